# ---- the log: as written, from a byte on

# Sends $count bytes of the attempt's log from $from.
function Send-WbLog([long]$from, [long]$count) {
  $file = Open-WbFile "$wbDir\log" 'Open' 'Read'
  try { $null = $file.Seek($from, 'Begin'); Send-WbStream $file $count } finally { $file.Dispose() }
}

# Sends $count bytes of a stream; fewer when it has no more.
function Send-WbStream([IO.Stream]$from, [long]$count) {
  $bytes = [byte[]]::new(65536)
  while ($count -gt 0) {
    $read = $from.Read($bytes, 0, [int][Math]::Min($count, $bytes.Length))
    if ($read -le 0) { break }
    $wbOut.Write($bytes, 0, $read)
    $count -= $read
  }
  $wbOut.Flush()
}

# follow FROM: the log from that byte, as it grows, until standard input ends. 1: there is none.
function wb_follow([string[]]$arguments) {
  if (-not [IO.File]::Exists("$wbDir\log")) { Exit-WbVerb 1 }
  $told = [long]$arguments[0]
  $bytes = [byte[]]::new(256)
  $end = $wbIn.ReadAsync($bytes, 0, $bytes.Length)
  while ($true) {
    $size = Get-WbSize "$wbDir\log"
    if ($size -gt $told) { Send-WbLog $told ($size - $told); $told = $size; continue }
    if (-not $end.Wait(50)) { continue }
    if ($end.Result -le 0) { return }
    $end = $wbIn.ReadAsync($bytes, 0, $bytes.Length)
  }
}

# log FROM: the size of the log on a line, then its bytes from FROM up to that size. 1: there is none.
function wb_log([string[]]$arguments) {
  if (-not [IO.File]::Exists("$wbDir\log")) { Exit-WbVerb 1 }
  $from = [long]$arguments[0]
  $size = Get-WbSize "$wbDir\log"
  Send-WbText "$size`n"
  if ($from -lt $size) { Send-WbLog $from ($size - $from) }
}

# tail_offset LINES: the byte at which the last so many lines begin, looked for backwards from the end. 1: there is no log.
function wb_tail_offset([string[]]$arguments) {
  if (-not [IO.File]::Exists("$wbDir\log")) { Exit-WbVerb 1 }
  $left = [long]$arguments[0]
  $file = Open-WbFile "$wbDir\log" 'Open' 'Read'
  try {
    $size = $file.Length
    $at = $size
    $bytes = [byte[]]::new(65536)
    while ($at -gt 0 -and $left -gt 0) {
      $begin = [Math]::Max(0L, $at - $bytes.Length)
      $null = $file.Seek($begin, 'Begin')
      $read = $file.Read($bytes, 0, [int]($at - $begin))
      $at = $begin
      for ($index = $read - 1; $index -ge 0; $index--) {
        # A newline at the very end belongs to the last line.
        if ($bytes[$index] -ne 10 -or $begin + $index + 1 -eq $size) { continue }
        $left--
        if ($left -eq 0) { $at = $begin + $index + 1; break }
      }
    }
    Send-WbText "$at`n"
  } finally { $file.Dispose() }
}

# growth: the notes of how far the log had grown when. 1: there are none.
function wb_growth {
  if (-not [IO.File]::Exists("$wbDir\log.times")) { Exit-WbVerb 1 }
  Send-WbText "$(Read-WbText "$wbDir\log.times")`n"
}

