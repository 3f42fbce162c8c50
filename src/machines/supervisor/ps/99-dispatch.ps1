# ---- dispatch: VERB [ARG...] for the machine, VERB RUN ATTEMPT FENCE [ARG...] for what is about one attempt

$wbMachineVerbs = @('hello', 'observe', 'await', 'check', 'clock', 'stock', 'gc', 'find_tree', 'take_tree')
$wbAttemptVerbs = @('start', 'cancel', 'signal', 'reap', 'forget', 'follow', 'log', 'tail_offset', 'growth', 'artifacts', 'send_artifacts')

# hello: the supervisor is there.
function wb_hello { }

# Keeps run, attempt and fence for the verb. 2: they are not such.
function Set-WbAttempt([string]$run, [string]$attempt, [string]$fence) {
  # Names of devices are no names of files, whatever follows their first dot.
  if ($run -notmatch '^[A-Za-z0-9._-]+\z' -or $run -match '^(con|prn|aux|nul|com\d|lpt\d)(\.|\z)') { Exit-WbVerb 2 "supervisor: not a run id: '$run'" }
  if ("$attempt$fence" -notmatch '^\d+\z') { Exit-WbVerb 2 'supervisor: attempt and fence must be numbers' }
  $script:wbRun = $run
  $script:wbAttempt = $attempt
  $script:wbFence = $fence
  $script:wbDir = "$wbPrefix\runs\$run.$attempt"
}

# Carries out what a request asked for.
function Invoke-WbOrder {
  $verb = [string]$wbOrder.verb
  [string[]]$arguments = @($wbOrder.args)
  if ($wbMachineVerbs -ccontains $verb) { & "wb_$verb" $arguments; return }
  if ($wbAttemptVerbs -cnotcontains $verb) { Exit-WbVerb 2 "supervisor: unknown verb '$verb'" }
  Set-WbAttempt $arguments[0] $arguments[1] $arguments[2]
  & "wb_$verb" (Skip-WbTexts $arguments 3)
}

# Carries out what `start` hands over by its pipe, in a process of its own (75-verbs.ps1).
function Invoke-WbSupervisor {
  $pipe = [IO.Pipes.NamedPipeClientStream]::new('.', $wbPipeName, [IO.Pipes.PipeDirection]::In, [IO.Pipes.PipeOptions]::None)
  $pipe.Connect(30000)
  $order = Read-WbOrder $pipe
  $script:wbPrefix = $order.prefix
  Set-WbAttempt $order.run $order.attempt $order.fence
  if (-not $order.fed) { $pipe.Dispose(); $pipe = $null }
  wb_supervise @($order.args) @($order.env) $pipe
}

if ($wbPipeName) {
  $ErrorActionPreference = 'Stop'
  $wbStatus = 0
  # Nobody listens to a supervisor; before it knows its attempt there is no place for its words either.
  function Send-WbText([string]$text) { if ($wbDir) { [IO.File]::AppendAllText("$wbDir\supervisor.log", $text) } }
  try { Invoke-WbSupervisor }
  catch [OperationCanceledException] { } # Exit-WbVerb has set the status.
  catch {
    $wbStatus = 5
    Send-WbText "$($_.Exception.GetBaseException().Message)`n$($_.ScriptStackTrace)`n"
  }
  exit $wbStatus
}
try { Invoke-WbOrder }
catch [OperationCanceledException] { } # Exit-WbVerb has set the status.
catch {
  $wbStatus = 5
  Send-WbText "$(Format-WbError $_.Exception)`n"
}
