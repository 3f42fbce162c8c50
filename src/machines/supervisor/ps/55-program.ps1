# ---- the program: which command line stands for an entrypoint, and what it finds in its environment

# One argument as a Windows program takes its command line apart (the rules of CommandLineToArgvW).
function Format-WbArgument([string]$text) {
  if ($text -ne '' -and $text -notmatch '[\s"]') { return $text }
  $doubled = [regex]::Replace($text, '(\\*)"', '$1$1\"')
  return '"' + [regex]::Replace($doubled, '(\\+)\z', '$1$1') + '"'
}

# Records that nothing was executed, why, and with which code a shell would say so.
function Deny-WbRun([string]$reason, $code, [string]$why) {
  if ($why) { [IO.File]::AppendAllText("$wbDir\log", "$why`r`n", $wbUtf8) }
  Write-WbExit $code $reason
  Exit-WbVerb 0
}

# The command line for the entrypoint, by its ending: Windows has no other mark of a program.
function Get-WbCommandLine([string]$entrypoint, [string[]]$arguments) {
  $names = $entrypoint.Replace('/', '\').Split('\')
  $file = "$wbDir\work\$($names -join '\')"
  if ($names -contains '..' -or $entrypoint.Contains(':') -or -not [IO.File]::Exists($file)) { Deny-WbRun 'entrypoint_missing' $null }
  $system = "$env:SystemRoot\System32"
  $words = @($arguments | ForEach-Object { Format-WbArgument $_ })
  switch ([IO.Path]::GetExtension($file).ToLowerInvariant()) {
    '.ps1' { $before = "$system\WindowsPowerShell\v1.0\powershell.exe", '-NoLogo', '-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File' }
    '.exe' { $before = @() }
    '.com' { $before = @() }
    { $_ -eq '.cmd' -or $_ -eq '.bat' } {
      # cmd.exe reads these wherever they stand, and there is no way to write them that it always leaves alone.
      $risky = @($file) + @($arguments) | Where-Object { $_ -match '["%!^&|<>()\r\n]' }
      if ($risky) { Deny-WbRun 'command_not_executable' 126 "cmd.exe cannot be given these as they are: $($risky -join ' '). Use a .ps1 entrypoint." }
      return "$system\cmd.exe /d /s /c `"$((@(Format-WbArgument $file) + $words) -join ' ')`""
    }
    default { Deny-WbRun 'command_not_executable' 126 "Windows can run .ps1, .cmd, .bat, .exe and .com files; the entrypoint is $entrypoint." }
  }
  $begin = @(@($before) + @($file) | ForEach-Object { Format-WbArgument $_ })
  return ($begin + $words) -join ' '
}

# The variables of the request's session, those that were asked for, and ours, as CreateProcess takes them. Names do not differ
# in case here, and the last one wins.
function Get-WbEnvironment([string[]]$pairs) {
  $all = [Collections.Generic.SortedDictionary[string, string]]::new([StringComparer]::OrdinalIgnoreCase)
  for ($at = 0; $at + 1 -lt $pairs.Count; $at += 2) { $all[$pairs[$at]] = $pairs[$at + 1] }
  $all['WAYBILL_RUN_ID'] = $wbRun
  $all['WAYBILL_ATTEMPT'] = $wbAttempt
  $all['WAYBILL_FENCE'] = $wbFence
  $all['WAYBILL_ARTIFACTS_DIR'] = "$wbDir\artifacts"
  $block = [Text.StringBuilder]::new()
  foreach ($name in $all.Keys) { $null = $block.Append("$name=$($all[$name])`0") }
  return $block.Append("`0").ToString()
}

# Makes the working copy of a tree, with what links there are as links.
function Copy-WbTree([string]$tree) {
  $source = "$wbPrefix\trees\$tree"
  if (-not [IO.Directory]::Exists($source)) { Deny-WbRun 'tree_missing' $null }
  Set-WbUsed $tree
  $options = '/E', '/SL', '/COPY:DAT', '/DCOPY:DAT', '/R:0', '/W:0', '/NFL', '/NDL', '/NJH', '/NJS', '/NP'
  $copied = Invoke-WbTool 'robocopy.exe' (@($source, "$wbDir\work") + $options)
  # Up to 7 its statuses tell what was copied.
  if ($copied.Status -lt 8) { return }
  # ERROR_DISK_FULL, as robocopy writes it.
  if ($copied.Said -match '0x00000070') { Deny-WbRun 'disk_full' $null $copied.Said }
  Deny-WbRun 'copy_failed' $null $copied.Said
}

