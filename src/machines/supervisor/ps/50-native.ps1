# ---- what only the system itself can do: a program born inside a job, with its output going to the log as it is. The job ends
# all that the program started when it is closed, and it is closed when the supervisor dies: there is no watchdog here.

# Compiled by the .NET Framework's own compiler, which knows C# 5. Only supervisors need it, and no other verb waits for it.
function Import-WbNative {
  Add-Type -TypeDefinition @'
using System;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

public static class WaybillNative {
  const uint GenericRead = 0x80000000, GenericWrite = 0x40000000, ShareAll = 7, OpenExisting = 3, OpenAlways = 4;
  const uint CreateSuspended = 4, NewProcessGroup = 0x200, UnicodeEnvironment = 0x400;
  const uint UseHandles = 0x100, KillOnClose = 0x2000, CtrlBreak = 1, WriteThrough = 8, Inherit = 1;

  [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
  struct StartupInfo {
    public int size; public string reserved; public string desktop; public string title;
    public int x, y, width, height, columns, rows, fill; public uint flags;
    public short show; public short reservedSize; public IntPtr reservedBytes;
    public IntPtr input, output, error;
  }
  [StructLayout(LayoutKind.Sequential)]
  struct ProcessInformation { public IntPtr process, thread; public int processId, threadId; }
  [StructLayout(LayoutKind.Sequential)]
  struct ExtendedLimits {
    public long processTime, jobTime; public uint flags; public UIntPtr leastWorkingSet, mostWorkingSet;
    public uint processes; public UIntPtr affinity; public uint priority, scheduling;
    public ulong reads, writes, others, bytesRead, bytesWritten, bytesOther;
    public UIntPtr processMemory, jobMemory, peakProcessMemory, peakJobMemory;
  }
  [StructLayout(LayoutKind.Sequential)]
  struct Accounting {
    public long user, kernel, periodUser, periodKernel; public uint faults, total, active, terminated;
  }

  [DllImport("kernel32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern bool CreateProcessW(string name, StringBuilder line, IntPtr processSecurity, IntPtr threadSecurity,
    bool inherit, uint flags, IntPtr environment, string directory, ref StartupInfo startup, out ProcessInformation made);
  [DllImport("kernel32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern IntPtr CreateFileW(string path, uint access, uint share, IntPtr security, uint how, uint flags, IntPtr model);
  [DllImport("kernel32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern bool MoveFileExW(string from, string to, uint flags);
  [DllImport("kernel32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern IntPtr CreateJobObjectW(IntPtr security, string name);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern bool SetInformationJobObject(IntPtr job, int kind, ref ExtendedLimits limits, int size);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern bool QueryInformationJobObject(IntPtr job, int kind, out Accounting told, int size, IntPtr length);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern bool AssignProcessToJobObject(IntPtr job, IntPtr process);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern bool TerminateJobObject(IntPtr job, uint code);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern bool TerminateProcess(IntPtr process, uint code);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern uint ResumeThread(IntPtr thread);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern uint WaitForSingleObject(IntPtr handle, uint milliseconds);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern bool GetExitCodeProcess(IntPtr process, out uint code);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern bool SetHandleInformation(IntPtr handle, uint mask, uint flags);
  [DllImport("kernel32.dll", SetLastError = true)]
  static extern bool GenerateConsoleCtrlEvent(uint what, uint group);
  [DllImport("kernel32.dll")]
  static extern bool CloseHandle(IntPtr handle);

  static IntPtr job, process, thread;
  public static int Pid;

  static void Must(bool done) { if (!done) throw new Win32Exception(); }

  static IntPtr OpenInheritable(string path, uint access, uint how) {
    IntPtr handle = CreateFileW(path, access, ShareAll, IntPtr.Zero, how, 0, IntPtr.Zero);
    Must(handle != new IntPtr(-1));
    Must(SetHandleInformation(handle, Inherit, Inherit));
    return handle;
  }

  public static void MoveDurably(string from, string to) { Must(MoveFileExW(from, to, WriteThrough)); }

  // Makes the program and leaves it suspended. The input is handed over, or nothing when it is zero. The log is empty so far, and
  // all that the program starts shares one place in it.
  public static void Start(string line, string directory, string environment, string log, IntPtr input) {
    job = CreateJobObjectW(IntPtr.Zero, null);
    Must(job != IntPtr.Zero);
    ExtendedLimits limits = new ExtendedLimits();
    limits.flags = KillOnClose;
    Must(SetInformationJobObject(job, 9, ref limits, Marshal.SizeOf(limits)));
    IntPtr output = OpenInheritable(log, GenericWrite, OpenAlways);
    IntPtr source = input;
    if (input == IntPtr.Zero) source = OpenInheritable("NUL", GenericRead, OpenExisting);
    else Must(SetHandleInformation(input, Inherit, Inherit));
    StartupInfo startup = new StartupInfo();
    startup.size = Marshal.SizeOf(startup);
    startup.flags = UseHandles;
    startup.input = source; startup.output = output; startup.error = output;
    IntPtr block = Marshal.StringToHGlobalUni(environment);
    ProcessInformation made;
    try {
      Must(CreateProcessW(null, new StringBuilder(line), IntPtr.Zero, IntPtr.Zero, true,
        CreateSuspended | NewProcessGroup | UnicodeEnvironment, block, directory, ref startup, out made));
    } finally {
      Marshal.FreeHGlobal(block);
      CloseHandle(output);
      if (input == IntPtr.Zero) CloseHandle(source);
    }
    process = made.process;
    thread = made.thread;
    Pid = made.processId;
    if (AssignProcessToJobObject(job, process)) return;
    int why = Marshal.GetLastWin32Error();
    TerminateProcess(process, 1);
    throw new Win32Exception(why);
  }

  // Until then nothing of the program has run.
  public static void Resume() { Must(ResumeThread(thread) != 0xFFFFFFFF); CloseHandle(thread); }

  public static bool HasEnded(uint milliseconds) { return WaitForSingleObject(process, milliseconds) == 0; }
  public static uint ExitCode() { uint code; Must(GetExitCodeProcess(process, out code)); return code; }
  // The nearest that Windows has to TERM. It reaches the programs of the group that share the supervisor's console.
  public static bool AskToEnd() { return GenerateConsoleCtrlEvent(CtrlBreak, (uint)Pid); }
  public static void Kill(uint code) { Must(TerminateJobObject(job, code)); }
  public static uint CountAlive() {
    Accounting told;
    Must(QueryInformationJobObject(job, 1, out told, Marshal.SizeOf(typeof(Accounting)), IntPtr.Zero));
    return told.active;
  }
}
'@
}

