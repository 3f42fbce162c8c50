# ---- the supervisor: claims the attempt, takes a slot, runs the program and writes down how it ended

# Decides who runs the attempt, in one step that also says who that is. 4: it was claimed before.
function Request-WbClaim {
  $null = [IO.Directory]::CreateDirectory("$wbDir\artifacts")
  if (-not (Publish-WbText "$wbDir\claim" "$wbBoot|$PID|$wbSelf")) { Exit-WbVerb 4 }
  [IO.File]::Delete("$wbDir\busy")
  [IO.File]::AppendAllText("$wbDir\log", '')
  Reserve-WbRecord 'exit'
  Reserve-WbRecord 'start'
}

# Takes the first free slot of so many: number and generation. Else records who holds them and gives the claim back; 3.
function Request-WbAnySlot([int]$slots) {
  $null = [IO.Directory]::CreateDirectory("$wbPrefix\slots")
  $holder = ''
  for ($slot = 1; $slot -le $slots; $slot++) {
    $held = Request-WbSlot $slot
    if ($held -gt 0) { return @{ Slot = $slot; Held = $held } }
    if ($holder -eq '') { $holder = $wbHeldBy -replace '\.\d+$', '' }
  }
  $null = Publish-WbText "$wbDir\busy" $holder
  foreach ($name in 'start.reserve', 'exit.reserve', 'claim') { [IO.File]::Delete("$wbDir\$name") }
  Exit-WbVerb 3
}

function Write-WbStart {
  Write-WbRecord 'start' ([ordered]@{
    v = 1; run = $wbRun; attempt = [int]$wbAttempt; fence = [long]$wbFence
    pid = [WaybillNative]::Pid; pid_start = (Get-WbStart ([WaybillNative]::Pid))
    supervisor = $PID; supervisor_start = $wbSelf
    watchdog = $PID; watchdog_start = $wbSelf
    boot = $wbBoot; started = $wbStarted
  })
}

function Write-WbExit($code, [string]$reason) {
  Write-WbRecord 'exit' ([ordered]@{
    v = 1; run = $wbRun; attempt = [int]$wbAttempt; fence = [long]$wbFence
    code = $code; reason = $reason
    log_bytes = (Get-WbSize "$wbDir\log"); artifacts_manifest_hash = $wbManifest
    started = $wbStarted; ended = (Get-WbNow)
  })
}

# Lists the hash of every artifact in `artifacts.manifest` and keeps the list's own hash.
function Protect-WbArtifacts {
  if (-not [IO.Directory]::Exists("$wbDir\artifacts")) { return }
  if ((Get-WbEntries "$wbDir\artifacts").Count -eq 0) { return }
  $list = Get-WbHashList "$wbDir\artifacts"
  $script:wbManifest = Get-WbHashOf $list
  # The hash is of what was found, not of what the disk had room for.
  try { [IO.File]::WriteAllBytes("$wbDir\artifacts.manifest", $list) }
  catch [IO.IOException] { return }
}

# So that upkeep knows when a tree was last of use; without room for the mark the tree's own time counts.
function Set-WbUsed([string]$tree) {
  try { [IO.File]::WriteAllText("$wbPrefix\trees\.used.$tree", '') }
  catch [IO.IOException] { return }
}

# Makes the program, records that it is there, and only then lets it run.
function Start-WbProgram([string]$line, [string[]]$environment, $handle) {
  if ([IO.File]::Exists("$wbDir\cancel")) { Deny-WbRun 'cancelled' $null }
  $script:wbStarted = Get-WbNow
  try { [WaybillNative]::Start($line, "$wbDir\work", (Get-WbEnvironment $environment), "$wbDir\log", $handle) }
  catch [ComponentModel.Win32Exception] { Deny-WbRun 'command_not_executable' 126 $_.Exception.GetBaseException().Message }
  Write-WbStart
  [WaybillNative]::Resume()
}

# supervise TREE SLOTS TIMEOUT SILENCE GRACE LOG_LIMIT CONTACT ENTRYPOINT [ARG...], with the variables of the program in pairs and
# the pipe behind which its standard input follows, or nothing.
function wb_supervise([string[]]$arguments, [string[]]$environment, $pipe) {
  # What may be missing here is found out before anything is claimed.
  Import-WbNative
  $script:wbSelf = Get-WbStart $PID
  $script:wbBoot = Get-WbBoot
  $script:wbStarted = $null
  $script:wbManifest = $null
  $tree, $slots, $timeout, $silence, $grace, $logLimit, $contact, $entrypoint = $arguments[0..7]
  Request-WbClaim
  if ([long]$contact -gt 0) { [IO.File]::WriteAllText("$wbDir\contact", '') }
  $place = Request-WbAnySlot ([int]$slots)
  try {
    Copy-WbTree $tree
    $handle = [IntPtr]::Zero
    if ($pipe) { $handle = $pipe.SafePipeHandle.DangerousGetHandle() }
    Start-WbProgram (Get-WbCommandLine $entrypoint (Skip-WbTexts $arguments 8)) $environment $handle
    # The program has it now, and must be the only one: who feeds it learns from a broken pipe that it has left.
    if ($pipe) { $pipe.Dispose() }
    $limits = @{ Timeout = [long]$timeout; Silence = [long]$silence; Grace = [long]$grace; Log = [long]$logLimit; Contact = [long]$contact }
    $reason = Watch-WbProgram $limits
    Stop-WbLeftovers
    Protect-WbArtifacts
    Write-WbExit ([WaybillNative]::ExitCode()) $reason
  } finally { Remove-WbHold $place.Slot $place.Held }
}

