# ---- trees: copies of submitted directories, which get their names once what arrived is proven (machines/ssh/upload-tree.ts)

function Send-WbFact([string]$name, $value) { Send-WbText "$name`t$value`n" }

function Get-WbTar { return "$env:SystemRoot\System32\tar.exe" }

# find_tree HASH: 0 when the tree is there. 1: it is not; prints what decides how it is sent.
function wb_find_tree([string[]]$arguments) {
  $tree = $arguments[0]
  if ([IO.Directory]::Exists("$wbPrefix\trees\$tree")) { Set-WbUsed $tree; return }
  $null = [IO.Directory]::CreateDirectory("$wbPrefix\trees")
  Send-WbFact 'free_kib' (Get-WbFreeKib)
  if ([IO.File]::Exists((Get-WbTar))) { Send-WbFact 'tar' (Get-WbTar) }
  # Nothing to decompress zstd with comes with Windows, and no older tree is built on: both are left out of the offer.
  Exit-WbVerb 1
}

# take_tree HASH CODEC BASE COUNTS DIGESTS: makes the tree of the archive on standard input. COUNTS is "directories links files
# executables", DIGESTS are those that the sorted list of hashes may have. 5: cannot be written; 6: BASE is of no use; 7:
# cannot be unpacked; 8: damaged. Prints why.
function wb_take_tree([string[]]$arguments) {
  $tree, $codec, $base, $counts, $digests = $arguments[0..4]
  if ($base -ne 'none') { Exit-WbVerb 6 }
  if ($codec -ne 'none') { Exit-WbVerb 7 "the archive is compressed with $codec, which cannot be read here" }
  $fresh = "$wbPrefix\trees\.tmp.$PID.$(Get-WbNow)"
  try {
    $null = [IO.Directory]::CreateDirectory($fresh)
    Expand-WbArchive $fresh
    Confirm-WbTree "$fresh\$tree" $counts $digests
    # To lose a race for the name is to find the same tree there.
    try { [IO.Directory]::Move("$fresh\$tree", "$wbPrefix\trees\$tree") }
    catch [IO.IOException] { if (-not [IO.Directory]::Exists("$wbPrefix\trees\$tree")) { throw } }
    Set-WbUsed $tree
  } finally { Remove-WbFolder $fresh }
}

# Unpacks standard input below $folder by the tar that comes with Windows (bsdtar). It is kept as a file first: a pipe that .NET
# makes for a program may begin with a mark of its own. Names come as UTF-8, which tar must be told.
function Expand-WbArchive([string]$folder) {
  $archive = "$folder\archive.tar"
  $file = [IO.File]::Create($archive)
  try { $wbIn.CopyTo($file) } finally { $file.Dispose() }
  $done = Invoke-WbTool 'tar.exe' '--options', 'hdrcharset=UTF-8', '-C', $folder, '-xf', $archive
  if ($done.Status -ne 0) { Exit-WbVerb 7 $done.Said }
  [IO.File]::Delete($archive)
}

# Whether the folder holds exactly what was announced. Windows knows no executables, so these are not counted.
function Confirm-WbTree([string]$folder, [string]$counts, [string]$digests) {
  if (-not [IO.Directory]::Exists($folder)) { Exit-WbVerb 8 'the archive holds no such tree' }
  $found = @{ directory = 1; link = 0; file = 0 }
  foreach ($entry in (Get-WbEntries $folder)) { $found[$entry.Kind]++ }
  $directories, $links, $files, $executables = $counts.Split(' ')
  $told = "$($found.directory) $($found.link) $($found.file)"
  if ($told -ne "$directories $links $files") {
    Exit-WbVerb 8 ("directories, links, files: found $told, expected $directories $links $files; " +
      'names that differ in case only, and links without the right to make them, cannot be kept on Windows')
  }
  $hash = Get-WbHashOf (Get-WbHashList $folder)
  if ($digests.Split(' ') -notcontains $hash) { Exit-WbVerb 8 "the list of hashes has the hash $hash, expected one of $digests" }
}

