# ---- what a client without eyes here asks for: start, cancel, signal, forget

# A process outside of the session that asked: OpenSSH puts what a session starts into a job that ends with the session, and a
# process made by WMI belongs to WMI's service instead (docs/windows.md). The order travels by a pipe that this user alone
# may open, so that nothing of it can be read in a list of processes. Answers with the pipe and the new process's number.
function Start-WbSupervisor {
  $name = "waybill-$([Guid]::NewGuid().ToString('N'))"
  $me = [Security.Principal.WindowsIdentity]::GetCurrent().User
  $mine = [IO.Pipes.PipeSecurity]::new()
  $mine.AddAccessRule([IO.Pipes.PipeAccessRule]::new($me, [IO.Pipes.PipeAccessRights]::FullControl, [Security.AccessControl.AccessControlType]::Allow))
  $pipe = [IO.Pipes.NamedPipeServerStream]::new($name, [IO.Pipes.PipeDirection]::Out, 1, [IO.Pipes.PipeTransmissionMode]::Byte,
    [IO.Pipes.PipeOptions]::Asynchronous, 0, 65536, $mine)
  $script = [Convert]::ToBase64String($wbUtf8.GetBytes($wbScript))
  # What reads an order here reads it there.
  $program = "function Read-WbBytes {${function:Read-WbBytes}}`nfunction Read-WbOrder {${function:Read-WbOrder}}`n" +
    "`$wbPipeName='$name';`$wbScript=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('$script'));" +
    '. ([ScriptBlock]::Create([IO.File]::ReadAllText($wbScript)))'
  $line = "$env:SystemRoot\System32\WindowsPowerShell\v1.0\powershell.exe -NoLogo -NoProfile -NonInteractive -InputFormat None " +
    "-EncodedCommand $([Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($program)))"
  # A console of its own, by which the program can be asked to end, and no window for it (SW_HIDE).
  $how = New-CimInstance -CimClass (Get-CimClass -ClassName Win32_ProcessStartup) -ClientOnly -Property @{ ShowWindow = [uint16]0 }
  $made = Invoke-CimMethod -ClassName Win32_Process -MethodName Create -Arguments @{ CommandLine = $line; CurrentDirectory = $wbPrefix; ProcessStartupInformation = $how }
  if ($made.ReturnValue -ne 0) { Exit-WbVerb 5 "Win32_Process.Create answered $($made.ReturnValue): no process can be made that outlives the session" }
  return @{ Pipe = $pipe; Id = [int]$made.ProcessId }
}

# Hands the order over: its length, base64 of its JSON, a newline. What follows is the program's input.
function Send-WbOrder($supervisor, [string[]]$arguments) {
  $environment = @()
  $own = [Environment]::GetEnvironmentVariables()
  foreach ($name in $own.Keys) { $environment += [string]$name, [string]$own[$name] }
  $environment += @($wbOrder.env)
  $order = [ordered]@{ prefix = $wbPrefix; run = $wbRun; attempt = $wbAttempt; fence = $wbFence; fed = $wbFed; args = $arguments; env = $environment }
  $coded = [Convert]::ToBase64String($wbUtf8.GetBytes((ConvertTo-Json $order -Compress)))
  $bytes = [Text.Encoding]::ASCII.GetBytes("$($coded.Length.ToString('D8'))$coded`n")
  $connected = $supervisor.Pipe.WaitForConnectionAsync()
  while (-not $connected.Wait(100)) {
    if ($null -eq (Get-WbStart $supervisor.Id)) { Exit-WbVerb 5 "the supervisor left before it was told what to do. $(Get-WbLastWords)" }
  }
  $supervisor.Pipe.Write($bytes, 0, $bytes.Length)
  $supervisor.Pipe.Flush()
}

function Get-WbLastWords {
  $said = Read-WbText "$wbDir\supervisor.log"
  if ($said) { return $said.Substring([Math]::Max(0, $said.Length - 2000)) }
}

# start REQUEST INPUT supervise ARG...: starts the attempt unless it was started before, waits until something is recorded, and
# tells it. INPUT is `fed` when standard input is the program's, else `none`.
function wb_start([string[]]$arguments) {
  $request, $feed, $mode = $arguments[0..2]
  $name = "$wbRun.$wbAttempt"
  $said = Get-WbState $name
  if (@('running', 'exit', 'lost') -contains $said.State) { Send-WbState $name $said; return }
  if ($mode -ne 'supervise') { Exit-WbVerb 2 "on Windows the directory of a run can be executed, and nothing else; asked for '$mode'" }
  $null = [IO.Directory]::CreateDirectory($wbDir)
  $null = Publish-WbText "$wbDir\request" $request
  $script:wbFed = $feed -eq 'fed'
  $supervisor = Start-WbSupervisor
  try {
    Send-WbOrder $supervisor (Skip-WbTexts $arguments 3)
    Send-WbState $name (Wait-WbBeginning $name $supervisor.Id)
    if ($wbFed) { Copy-WbInput $supervisor.Pipe }
  } finally { $supervisor.Pipe.Dispose() }
}

# The connection is the program's input for as long as it reads; to leave earlier is its own affair.
function Copy-WbInput([IO.Stream]$pipe) {
  try { $wbIn.CopyTo($pipe) }
  catch [IO.IOException] { return }
}

# Waits until the attempt has a record of its own, or the supervisor has left without one (then this fails, and says why).
function Wait-WbBeginning([string]$name, [int]$id) {
  while ($true) {
    # Looked at before the records: what it wrote before it left is seen.
    $gone = $null -eq (Get-WbStart $id)
    $said = Get-WbState $name
    if (@('running', 'exit', 'lost') -contains $said.State) { return $said }
    if ($gone -and $said.State -eq 'busy') { return $said }
    if ($gone -and $said.State -ne 'starting') { Exit-WbVerb 5 "the supervisor left without a record. $(Get-WbLastWords)" }
    Start-Sleep -Milliseconds 50
  }
}

# cancel MANNER: asks the supervisor to end the attempt; whoever asks first says how ("SIGNAL GRACE", or nothing).
function wb_cancel([string[]]$arguments) {
  $null = [IO.Directory]::CreateDirectory($wbDir)
  $null = Publish-WbText "$wbDir\cancel" ([string]$arguments[0])
}

# signal NAME: Windows has the end at once (KILL) and Ctrl-Break, which stands for the signals that ask for an end. 1: the program
# does not run, or there is nothing that the signal could be.
function wb_signal([string[]]$arguments) {
  if (@('KILL', 'TERM', 'INT', 'QUIT', 'HUP') -notcontains $arguments[0]) { Exit-WbVerb 1 }
  if ((Get-WbState "$wbRun.$wbAttempt").State -ne 'running') { Exit-WbVerb 1 }
  $null = Publish-WbText "$wbDir\signal" $arguments[0]
  # The supervisor takes the request away once it has done it.
  while ([IO.File]::Exists("$wbDir\signal")) {
    if ((Get-WbState "$wbRun.$wbAttempt").State -ne 'running') { [IO.File]::Delete("$wbDir\signal"); Exit-WbVerb 1 }
    Start-Sleep -Milliseconds 50
  }
}

# forget: removes all but the records, so that the attempt can never start again and its outcome can be read.
function wb_forget {
  $said = Get-WbState "$wbRun.$wbAttempt"
  if (@('running', 'starting') -contains $said.State) { Exit-WbVerb 3 $said.State }
  foreach ($folder in 'work', 'artifacts') { Remove-WbFolder "$wbDir\$folder" }
  if (-not [IO.Directory]::Exists($wbDir)) { return }
  foreach ($file in 'log', 'log.times') { [IO.File]::Delete("$wbDir\$file") }
}

