# ---- upkeep: what a machine has, what it keeps, and removing what nobody needs any more

# check TOOL...: what this machine has, as lines of "NAME<TAB>VALUE"; no value means none. The tools asked for are those of POSIX;
# here it is tar, and a PowerShell that may compile what it needs.
function wb_check {
  $missing = @()
  if (-not [IO.File]::Exists((Get-WbTar))) { $missing += 'tar.exe' }
  $mode = $ExecutionContext.SessionState.LanguageMode
  if ($mode -ne 'FullLanguage') { $missing += "PowerShell's full language (it is in $mode)" }
  Send-WbFact 'missing' ($missing -join ' ')
  Send-WbFact 'system' "Windows $([Environment]::OSVersion.Version)"
  Send-WbFact 'shell' "PowerShell $($PSVersionTable.PSVersion)"
  Send-WbFact 'session' 'Win32_Process'
  Send-WbFact 'hasher' 'System.Security.Cryptography.SHA256'
  $tar = ''
  if ([IO.File]::Exists((Get-WbTar))) { $tar = (Invoke-WbTool 'tar.exe' '--version').Said.Split("`n")[0] }
  Send-WbFact 'tar' $tar
  Send-WbFact 'zstd' ''
  Send-WbFact 'openssh' ''
  Send-WbFact 'free_kib' (Get-WbFreeKib)
  Send-WbFact 'unwritable' (Get-WbObstacle)
  Send-WbFact 'directory' $wbPrefix
}

# Why nothing can be made in the work directory; empty when it can.
function Get-WbObstacle {
  $probe = "$wbPrefix\.probe.$PID"
  try {
    $null = [IO.Directory]::CreateDirectory($probe)
    [IO.Directory]::Delete($probe)
    return ''
  } catch { return $_.Exception.GetBaseException().Message }
}

# Of the volume that holds the work directory; nothing for a share of another computer.
function Get-WbFreeKib {
  $root = [IO.Path]::GetPathRoot($wbPrefix)
  if ($root -match '^[A-Za-z]:\\$') { return [long][Math]::Floor([IO.DriveInfo]::new($root).AvailableFreeSpace / 1024) }
}

# clock: the time of day in epoch milliseconds, for a client that compares it with its own.
function wb_clock { Send-WbText "$(Get-WbNow)`n" }

# When an item was last changed, in seconds; of a tree when it was last used, if that was later.
function Get-WbSeconds([string]$path) {
  return [string][long][Math]::Floor(([IO.File]::GetLastWriteTimeUtc($path) - $wbEpoch).TotalSeconds)
}

# stock: everything that gc knows to remove. Sections "@ FOLDER sizes|times|live" of lines "KIB<TAB>./NAME", "SECONDS ./NAME" and
# "WORD NAME".
function wb_stock {
  foreach ($folder in 'runs', 'trees', 'bin') {
    if (-not [IO.Directory]::Exists("$wbPrefix\$folder")) { continue }
    $items = @([IO.DirectoryInfo]::new("$wbPrefix\$folder").EnumerateFileSystemInfos())
    Send-WbText "@ $folder sizes`n"
    foreach ($item in $items) { Send-WbText "$(Get-WbKib $item)`t./$($item.Name)`n" }
    Send-WbText "@ $folder times`n"
    foreach ($item in $items) { Send-WbText "$(Get-WbSeconds $item.FullName) ./$($item.Name)`n" }
    Send-WbText "@ $folder live`n"
    if ($folder -eq 'runs') { foreach ($item in $items) { Send-WbUnended $item.Name } }
    if ($folder -eq 'bin') { Send-WbLiveSupervisors }
  }
}

function Get-WbKib([IO.FileSystemInfo]$item) {
  if ($item -is [IO.FileInfo]) { return [long][Math]::Ceiling($item.Length / 1024) }
  $bytes = 0L
  foreach ($entry in (Get-WbEntries $item.FullName)) { $bytes += $entry.Size }
  return [long][Math]::Ceiling($bytes / 1024)
}

# Attempts that are going on, and those that may still begin, with the word for it.
function Send-WbUnended([string]$name) {
  $said = Get-WbState $name
  if (@('running', 'starting', 'prepared', 'busy') -contains $said.State) { Send-WbText "$($said.State) $name`n" }
}

# The command line of a supervisor does not tell its version, and a supervisor has read its file: this version alone stays.
function Send-WbLiveSupervisors { Send-WbText "running $([IO.Path]::GetFileName($wbScript))`n" }

# gc: removes what standard input names, as lines of "KIND<TAB>SECONDS<TAB>NAME", unless it was used since or lives; tells each that
# has gone as "KIND<TAB>NAME".
function wb_gc {
  $folders = @{ run = 'runs'; tree = 'trees'; upload = 'trees'; supervisor = 'bin' }
  $reader = [IO.StreamReader]::new($wbIn, $wbUtf8)
  while ($null -ne ($line = $reader.ReadLine())) {
    $kind, $then, $name = $line.Split("`t")
    if (-not $folders.ContainsKey([string]$kind) -or $name -notmatch '^(?!\.{1,2}\z)[A-Za-z0-9._-]+\z') { continue }
    $path = "$wbPrefix\$($folders[$kind])\$name"
    if ((Get-WbLastUsed $kind $path) -ne $then) { continue }
    if ($kind -eq 'run' -and -not (Test-WbOver $name)) { continue }
    if (Remove-WbWhole $path) {
      if ($kind -eq 'tree') { [IO.File]::Delete("$wbPrefix\trees\.used.$name") }
      Send-WbFact $kind $name
    }
  }
}

# Seconds; of a tree those of its mark when that is younger.
function Get-WbLastUsed([string]$kind, [string]$path) {
  $used = Get-WbSeconds $path
  $mark = [IO.Path]::Combine([IO.Path]::GetDirectoryName($path), ".used.$([IO.Path]::GetFileName($path))")
  if ($kind -ne 'tree' -or -not [IO.File]::Exists($mark)) { return $used }
  return [string][Math]::Max([long]$used, [long](Get-WbSeconds $mark))
}

# Whether attempt $name has ended or can be kept from beginning: whoever would begin it must claim it first.
function Test-WbOver([string]$name) {
  $state = (Get-WbState $name).State
  if (@('running', 'starting') -contains $state) { return $false }
  if (@('prepared', 'busy') -contains $state) { return Publish-WbText "$wbPrefix\runs\$name\claim" "$(Get-WbBoot)|0|gc" }
  return $true
}

# Takes the name away first, so that nobody finds half of it; what a cut leaves is found as an upload that did not arrive.
function Remove-WbWhole([string]$path) {
  if ([IO.File]::Exists($path)) { [IO.File]::Delete($path); return $true }
  $null = [IO.Directory]::CreateDirectory("$wbPrefix\trees")
  $doomed = "$wbPrefix\trees\.tmp.gc.$([Guid]::NewGuid().ToString('N'))"
  try { [IO.Directory]::Move($path, $doomed) }
  # Somebody has a file of it open; it stays, and is not told of as gone.
  catch [IO.IOException] { return $false }
  Remove-WbFolder $doomed
  return $true
}

