# ---- bringing home: the artifacts of an attempt, for a client without eyes here (machines/ssh/collect-over-ssh.ts)

# POSIX modes in hexadecimal, for what Windows can tell apart.
$wbModes = @{ file = '81a4'; directory = '41ed'; link = 'a1ff' }

# artifacts: a line "sealed" or "unsealed", the list of hashes (taken now of what was not sealed), an empty line, and the rest: a
# line COUNT, COUNT lines "MODE SIZE", COUNT names that end in NUL, a line 0, and the links: name, NUL, target, newline, NUL.
# 1: there is no folder; 3: it is something else.
function wb_artifacts {
  $folder = "$wbDir\artifacts"
  if (-not [IO.Directory]::Exists($folder)) { if ([IO.File]::Exists($folder)) { Exit-WbVerb 3 } else { Exit-WbVerb 1 } }
  if ([IO.File]::GetAttributes($folder) -band [IO.FileAttributes]::ReparsePoint) { Exit-WbVerb 3 }
  if ([IO.File]::Exists("$wbDir\exit")) {
    Send-WbText "sealed`n"
    if ([IO.File]::Exists("$wbDir\artifacts.manifest")) { Send-WbWhole "$wbDir\artifacts.manifest" }
  } else {
    Send-WbText "unsealed`n"
    $list = Get-WbHashList $folder
    $wbOut.Write($list, 0, $list.Length)
  }
  $entries = Get-WbEntries $folder
  $answer = [Text.StringBuilder]::new()
  $null = $answer.Append("`n$($entries.Count)`n")
  foreach ($entry in $entries) { $null = $answer.Append("$($wbModes[$entry.Kind]) $($entry.Size)`n") }
  foreach ($entry in $entries) { $null = $answer.Append("$($entry.Path)`0") }
  if ($entries.Count -gt 0) { $null = $answer.Append("0`n") }
  foreach ($entry in $entries) {
    if ($entry.Kind -ne 'link') { continue }
    $target = [string](Get-Item -LiteralPath $entry.FullName -Force).Target
    $null = $answer.Append("$($entry.Path)`0$($target.Replace('\', '/'))`n`0")
  }
  Send-WbText $answer.ToString()
}

function Send-WbWhole([string]$path) {
  $file = Open-WbFile $path 'Open' 'Read'
  try { Send-WbStream $file $file.Length } finally { $file.Dispose() }
}

# send_artifacts FROM: the contents, one after another, of the files whose names come on standard input, each ended by NUL. FROM is
# the byte at which to begin, and for more than 0 there is but one file.
function wb_send_artifacts([string[]]$arguments) {
  $said = [IO.MemoryStream]::new()
  $wbIn.CopyTo($said)
  foreach ($name in $wbUtf8.GetString($said.ToArray()).Split([char]0)) {
    if ($name -eq '') { continue }
    $file = Open-WbFile "$wbDir\artifacts\$($name.Replace('/', '\'))" 'Open' 'Read'
    try {
      $null = $file.Seek([long]$arguments[0], 'Begin')
      Send-WbStream $file ($file.Length - $file.Position)
    } finally { $file.Dispose() }
  }
}

