# ---- processes: told apart by pid and time of creation, which Windows keeps to 100 ns and never changes

# The time at which process $id was created, in ticks. $null: there is no such process; empty: it may not be looked at.
function Get-WbStart([int]$id) {
  try { $process = [Diagnostics.Process]::GetProcessById($id) } catch [ArgumentException] { return $null }
  try {
    if ($process.HasExited) { return $null }
    return [string]$process.StartTime.ToUniversalTime().Ticks
  } catch {
    # Access was refused: somebody has that number, and who it is cannot be known.
    return ''
  } finally { $process.Dispose() }
}

# Whether the process lives that had this number and start. What cannot be looked at counts as alive: a run must not be called
# lost without proof.
function Test-WbAlive([int]$id, [string]$start) {
  if ($id -le 0) { return $false }
  $found = Get-WbStart $id
  if ($null -eq $found) { return $false }
  return ($found -eq '') -or ($found -eq $start)
}

# When the system was started, in seconds. Windows computes it from the clock, so a clock that is set moves it; it decides no
# more than which of two words a lost attempt is given.
function Get-WbBoot {
  $system = Get-CimInstance -ClassName Win32_OperatingSystem -Property LastBootUpTime
  return [string][long][Math]::Floor(($system.LastBootUpTime.ToUniversalTime() - $wbEpoch).TotalSeconds)
}

# Far more than clocks are corrected by, and less than a system needs to start, run an attempt and start again.
$wbBootDoubtSeconds = 60

function Test-WbSameBoot([string]$boot) {
  $seconds = 0L
  if (-not [long]::TryParse($boot, [ref]$seconds)) { return $false }
  return [Math]::Abs($seconds - [long](Get-WbBoot)) -le $wbBootDoubtSeconds
}

# Ends process $id and all that it started, if it is the one that had this start.
function Stop-WbTree([int]$id, [string]$start) {
  if ((Get-WbStart $id) -ne $start) { return }
  # It fails for what has ended meanwhile, which is what is wanted.
  $null = Invoke-WbTool 'taskkill.exe' '/PID', $id, '/T', '/F'
}

