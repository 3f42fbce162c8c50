# The machine's side of the run protocol (docs/run-protocol.md) for Windows PowerShell 5.1: the same verbs, files and records
# as supervisor/sh, and the differences that docs/windows.md tells. Evaluated by the bootstrap of a request
# (machines/windows/powershell-request.ts), which leaves here:
#
#   $wbOrder    what is asked for: verb, args, env        $wbPrefix   the work directory, absolute
#   $wbIn       the request's input behind the order      $wbOut      where the answer goes
#   $wbStatus   what the verb will leave with: 0 done, 2 usage, 3 and more as the verb says
#
# A verb is a function wb_VERB that takes its arguments as one array; what it leaves in the pipeline is dropped. Bytes and
# text go out by Send-WbText and $wbOut alone, so that nothing is reformatted on the way.
$wbUtf8 = [Text.UTF8Encoding]::new($false)
# Keeps each byte apart as one character, so that an ordinal comparison of texts is one of bytes.
$wbLatin1 = [Text.Encoding]::GetEncoding(28591)
$wbEpoch = [DateTime]::new(1970, 1, 1, 0, 0, 0, [DateTimeKind]::Utc)

# Leaves the verb with a status, after saying why; caught by the dispatch alone.
function Exit-WbVerb([int]$status, [string]$why) {
  $script:wbStatus = $status
  if ($why) { Send-WbText "$why`n" }
  throw [OperationCanceledException]::new('left')
}

# What follows the first $count of some texts; a list also when that is one text, or none.
function Skip-WbTexts([string[]]$texts, [int]$count) { return , [string[]]@($texts | Select-Object -Skip $count) }

# Runs a program that comes with Windows: its status, and what it said. What it says on standard error must not end us, as every
# error here does.
function Invoke-WbTool([string]$name, [string[]]$arguments) {
  $ErrorActionPreference = 'Continue'
  $said = & "$env:SystemRoot\System32\$name" $arguments 2>&1 | ForEach-Object { "$_" }
  return @{ Status = $LASTEXITCODE; Said = ($said -join "`n") }
}

function Get-WbNow { return [long][Math]::Floor(([DateTime]::UtcNow - $wbEpoch).TotalMilliseconds) }

# A disk without space, told in the words that a client knows (machines/ssh/upload-tree.ts).
function Format-WbError([Exception]$failure) {
  $inner = $failure.GetBaseException()
  # ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL (winerror.h).
  if ($inner -is [IO.IOException] -and @(0x70, 0x27) -contains ($inner.HResult -band 0xFFFF)) { return "No space left: $($inner.Message)" }
  return $inner.Message
}

