# ---- limits and requests while the program runs, looked at ten times a second on a clock that nobody sets

$wbTickMs = 100

# Sees the program to its end; answers with the reason of it.
function Watch-WbProgram($limits) {
  $clock = [Diagnostics.Stopwatch]::StartNew()
  $seen = @{ Size = 0L; HeardAt = 0L; Contact = (Get-WbContact); MetAt = 0L; NotedAt = -1000L; NotedSize = 0L }
  while (-not [WaybillNative]::HasEnded($wbTickMs)) {
    $now = $clock.ElapsedMilliseconds
    Write-WbGrowth $seen $now
    Send-WbSignal
    $reason = Get-WbReason $limits $seen $now
    if ($reason) {
      Stop-WbProgram $limits.Grace
      return $reason
    }
  }
  return 'exited'
}

# Why the program must end now; nothing when it need not.
function Get-WbReason($limits, $seen, [long]$now) {
  $size = Get-WbSize "$wbDir\log"
  if ($size -ne $seen.Size) { $seen.Size = $size; $seen.HeardAt = $now }
  $contact = Get-WbContact
  if ($contact -ne $seen.Contact) { $seen.Contact = $contact; $seen.MetAt = $now }
  if ([IO.File]::Exists("$wbDir\cancel")) { return 'cancelled' }
  if ($limits.Timeout -gt 0 -and $now -ge $limits.Timeout) { return 'timeout' }
  if ($limits.Silence -gt 0 -and $now - $seen.HeardAt -ge $limits.Silence) { return 'silence' }
  if ($limits.Contact -gt 0 -and $now - $seen.MetAt -ge $limits.Contact) { return 'out_of_contact' }
  if ($limits.Log -gt 0 -and $size -gt $limits.Log) { return 'log_limit' }
}

# When whoever drives the attempt was last heard of; null where that does not matter.
function Get-WbContact {
  if ([IO.File]::Exists("$wbDir\contact")) { return [IO.File]::GetLastWriteTimeUtc("$wbDir\contact").Ticks }
}

# Notes how far the log had grown by now, at most once a second and only when it grew, in lines of "EPOCH_MS BYTES". On a full
# disk the notes end, and nothing else.
function Write-WbGrowth($seen, [long]$now) {
  if ($now - $seen.NotedAt -lt 1000) { return }
  $size = Get-WbSize "$wbDir\log"
  if ($size -eq $seen.NotedSize) { return }
  $seen.NotedAt = $now
  $seen.NotedSize = $size
  try { [IO.File]::AppendAllText("$wbDir\log.times", "$($wbStarted + $now) $size`n") }
  catch [IO.IOException] { return }
}

# Asks the program to end, and ends all of its job when the grace is over. What was asked for may name signal and grace.
function Stop-WbProgram([long]$grace) {
  $first = 'TERM'
  $wanted = Read-WbText "$wbDir\cancel"
  if ($wanted -match '^([A-Z0-9]+)(?: (\d{1,15}))?$') {
    $first = $Matches[1]
    if ($Matches[2]) { $grace = [long]$Matches[2] }
  }
  if ($first -ne 'KILL' -and $grace -gt 0 -and [WaybillNative]::AskToEnd()) {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    do { $left = $clock.ElapsedMilliseconds -lt $grace } while ($left -and -not [WaybillNative]::HasEnded($wbTickMs))
  }
  # The code that a POSIX shell gives to what was killed.
  if (-not [WaybillNative]::HasEnded(0)) { [WaybillNative]::Kill(137) }
}

# Ends what the program left in its job, and waits until it has gone: until then its files cannot be read in peace.
function Stop-WbLeftovers {
  [WaybillNative]::Kill(137)
  $clock = [Diagnostics.Stopwatch]::StartNew()
  while ([WaybillNative]::CountAlive() -gt 0 -and $clock.ElapsedMilliseconds -lt 5000) { Start-Sleep -Milliseconds 20 }
}

# Hands on what the verb `signal` asked for, and takes the request away as a sign that it was done.
function Send-WbSignal {
  $wanted = Read-WbText "$wbDir\signal"
  if ($null -eq $wanted) { return }
  if ($wanted -eq 'KILL') { [WaybillNative]::Kill(137) } else { $null = [WaybillNative]::AskToEnd() }
  [IO.File]::Delete("$wbDir\signal")
}

