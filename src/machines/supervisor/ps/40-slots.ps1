# ---- slots: SLOT.GENERATION holds "RUN.ATTEMPT|BOOT|PID|START". The highest generation holds the slot. A dead holder is
# superseded by the next generation, never deleted first.

# The highest generation of slot $slot, 0 when there is none.
function Get-WbTop([int]$slot) {
  $top = 0
  foreach ($file in [IO.Directory]::GetFiles("$wbPrefix\slots", "$slot.*")) {
    if ([IO.Path]::GetFileName($file) -match '^\d+\.(\d{1,9})$') { $top = [Math]::Max($top, [int]$Matches[1]) }
  }
  return $top
}

# Who holds generation $generation of the slot; $null when nobody wrote it, or it was removed.
function Read-WbHolder([int]$slot, [int]$generation) {
  $text = Read-WbText "$wbPrefix\slots\$slot.$generation"
  if ($null -eq $text) { return $null }
  $by, $boot, $id, $start = $text.Split('|')
  return @{ By = $by; Boot = $boot; Id = $id; Start = $start }
}

# Takes the slot when it is free: its generation. 0: it is held, and $script:wbHeldBy says by whom.
function Request-WbSlot([int]$slot) {
  # Whoever was told of an exit record may start the next run at once, while the last holder is about to go: about two seconds.
  $patience = 100
  while ($true) {
    $top = Get-WbTop $slot
    $holder = $null
    if ($top -gt 0) { $holder = Read-WbHolder $slot $top; if ($null -eq $holder) { continue } }
    if ($holder -and $holder.By -ne 'released' -and (Test-WbAlive $holder.Id $holder.Start)) {
      $script:wbHeldBy = $holder.By
      if ($patience -eq 0 -or -not [IO.File]::Exists("$wbPrefix\runs\$($holder.By)\exit")) { return 0 }
      $patience--
      Start-Sleep -Milliseconds 20
      continue
    }
    $next = $top + 1
    if (-not (Publish-WbText "$wbPrefix\slots\$slot.$next" "$wbRun.$wbAttempt|$wbBoot|$PID|$wbSelf")) { continue }
    if ((Get-WbTop $slot) -gt $next) { [IO.File]::Delete("$wbPrefix\slots\$slot.$next"); continue }
    Clear-WbSlot $slot $next
    return $next
  }
}

# Ends what the dead holders before us left running, back to the last that released the slot. The newest few generations stay,
# so that no scan can miss them all.
function Clear-WbSlot([int]$slot, [int]$held) {
  for ($generation = $held - 1; $generation -gt 0; $generation--) {
    $holder = Read-WbHolder $slot $generation
    if ($null -eq $holder -or $holder.By -eq 'released') { break }
    Stop-WbAttempt $holder.By
  }
  foreach ($file in [IO.Directory]::GetFiles("$wbPrefix\slots", "$slot.*")) {
    if ([IO.Path]::GetFileName($file) -match '^\d+\.(\d{1,9})$' -and [int]$Matches[1] -le $held - 8) { [IO.File]::Delete($file) }
  }
}

function Remove-WbHold([int]$slot, [int]$held) { $null = Publish-WbText "$wbPrefix\slots\$slot.$($held + 1)" 'released|||' }

# Ends what the dead attempt $name left alive. Its job has ended it together with its supervisor; this is for what a supervisor
# had started and not yet put into the job.
function Stop-WbAttempt([string]$name) {
  $start = Read-WbRecord $name 'start'
  if ($start) { Stop-WbTree $start.Fields.pid $start.Fields.pid_start }
}

# reap: an attempt whose supervisor lives is not lost, and is left to it.
function wb_reap {
  $owner = Read-WbText "$wbDir\claim"
  if ($null -ne $owner) {
    $boot, $id, $start = $owner.Split('|')
    if (Test-WbAlive $id $start) { Exit-WbVerb 3 }
  }
  Stop-WbAttempt "$wbRun.$wbAttempt"
  if (-not [IO.Directory]::Exists("$wbPrefix\slots")) { return }
  $slots = [IO.Directory]::GetFiles("$wbPrefix\slots") | ForEach-Object { [IO.Path]::GetFileName($_).Split('.')[0] } | Sort-Object -Unique
  foreach ($slot in $slots) {
    $top = Get-WbTop $slot
    $holder = Read-WbHolder $slot $top
    if ($holder -and $holder.By -eq "$wbRun.$wbAttempt") { Remove-WbHold $slot $top }
  }
}

