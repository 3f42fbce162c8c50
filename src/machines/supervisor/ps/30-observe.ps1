# ---- observing: what the records of an attempt say now (the judgement of supervisor/sh/80-observe.sh)

# The state of attempt $name ("RUN.ATTEMPT") as a table: State, and what there is of Holder, Proof, Start and Exit.
function Get-WbState([string]$name) {
  $said = Get-WbRecorded $name
  if ($said.State -ne 'lost') { return $said }
  # Whoever wrote a record did so before dying, so the files are looked at once more.
  return Get-WbRecorded $name
}

function Get-WbRecorded([string]$name) {
  $at = "$wbPrefix\runs\$name"
  $start = Read-WbRecord $name 'start'
  $exit = Read-WbRecord $name 'exit'
  if ($exit) { return @{ State = 'exit'; Start = $start; Exit = $exit } }
  if ($start) {
    $fields = $start.Fields
    if (Test-WbAlive $fields.supervisor $fields.supervisor_start) { return @{ State = 'running'; Start = $start } }
    return @{ State = 'lost'; Start = $start; Proof = (Get-WbProof $fields.boot) }
  }
  $owner = Read-WbText "$at\claim"
  if ($null -eq $owner) {
    $holder = Read-WbText "$at\busy"
    if ($null -ne $holder) { return @{ State = 'busy'; Holder = $holder } }
    if ([IO.Directory]::Exists($at)) { return @{ State = 'prepared' } }
    return @{ State = 'absent' }
  }
  $boot, $id, $born = $owner.Split('|')
  if (Test-WbAlive $id $born) { return @{ State = 'starting' } }
  return @{ State = 'lost'; Proof = (Get-WbProof $boot) }
}

function Get-WbProof([string]$boot) {
  if (Test-WbSameBoot $boot) { return 'supervisor_died' }
  return 'rebooted'
}

# Prints what is known of an attempt as lines of "WORD VALUE", the last of them a dot.
function Send-WbState([string]$name, $said) {
  $lines = @("attempt $name", "state $($said.State)", "size $(Get-WbSize "$wbPrefix\runs\$name\log")")
  if ($said.Holder) { $lines += "holder $($said.Holder)" }
  if ($said.Proof) { $lines += "proof $($said.Proof)" }
  if ($said.Start) { $lines += "start $($said.Start.Line)" }
  if ($said.Exit) { $lines += "exit $($said.Exit.Line)" }
  Send-WbText "$(($lines + '.') -join "`n")`n"
}

# observe [+]RUN.ATTEMPT...: each as it stands. A plus says that the one who asks drives the attempt: that is contact.
function wb_observe([string[]]$marked) {
  foreach ($key in $marked) {
    Set-WbContact $key
    $name = $key.TrimStart('+')
    Send-WbState $name (Get-WbState $name)
  }
}

# await [+]RUN.ATTEMPT...: each once it has settled, then leaves. A line on standard input is a sign of life of whoever waits;
# its end, or that of the connection, ends this.
function wb_await([string[]]$marked) {
  foreach ($key in $marked) { Set-WbContact $key }
  $waiting = [Collections.Generic.List[string]]::new([string[]]@($marked | ForEach-Object { $_.TrimStart('+') }))
  $bytes = [byte[]]::new(256)
  $sign = $wbIn.ReadAsync($bytes, 0, $bytes.Length)
  while ($waiting.Count -gt 0) {
    foreach ($name in $waiting.ToArray()) {
      $said = Get-WbState $name
      if (@('running', 'starting') -contains $said.State) { continue }
      Send-WbState $name $said
      $null = $waiting.Remove($name)
    }
    if ($waiting.Count -eq 0) { return }
    if (-not $sign.Wait(100)) { continue }
    if ($sign.Result -le 0) { return }
    foreach ($key in $marked) { Set-WbContact $key }
    $sign = $wbIn.ReadAsync($bytes, 0, $bytes.Length)
  }
}

# An attempt that must not go on without its driver looks at when this was last touched (60-watch.ps1).
function Set-WbContact([string]$key) {
  $contact = "$wbPrefix\runs\$($key.TrimStart('+'))\contact"
  if ($key.StartsWith('+') -and [IO.File]::Exists($contact)) { Set-WbTouched $contact }
}

