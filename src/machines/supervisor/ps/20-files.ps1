# ---- files that decide: written aside, brought to the disk, and renamed to a name that must not be there yet. Such a rename
# is one step of NTFS and fails when the name exists, so whoever gets the name has published the content with it.

# Everybody may read, write and remove what we have open: a reader must never keep a supervisor from its record.
function Open-WbFile([string]$path, [IO.FileMode]$mode, [IO.FileAccess]$access) {
  return [IO.FileStream]::new($path, $mode, $access, [IO.FileShare]'ReadWrite, Delete', 65536)
}

# The text of a file; $null when there is none.
function Read-WbText([string]$path) {
  try { $file = Open-WbFile $path 'Open' 'Read' }
  catch [IO.FileNotFoundException] { return $null }
  catch [IO.DirectoryNotFoundException] { return $null }
  $reader = [IO.StreamReader]::new($file, $wbUtf8)
  try { return $reader.ReadToEnd().Trim() } finally { $reader.Dispose() }
}

# The length as the file system knows it now; a directory's entry lags behind an open file. 0 when there is none.
function Get-WbSize([string]$path) {
  if (-not [IO.File]::Exists($path)) { return 0L }
  $file = Open-WbFile $path 'Open' 'Read'
  try { return $file.Length } finally { $file.Dispose() }
}

function Write-WbDurably([string]$path, [IO.FileMode]$mode, [byte[]]$bytes) {
  $file = [IO.FileStream]::new($path, $mode, [IO.FileAccess]::Write, [IO.FileShare]::None, 4096, [IO.FileOptions]::WriteThrough)
  try {
    $file.Write($bytes, 0, $bytes.Length)
    $file.Flush($true)
  } finally { $file.Dispose() }
}

# Makes file $path with this text unless it is there; answers whether it was made.
function Publish-WbText([string]$path, [string]$text) {
  $fresh = "$path.$([Guid]::NewGuid().ToString('N')).tmp"
  try {
    Write-WbDurably $fresh 'CreateNew' ($wbUtf8.GetBytes("$text`n"))
    [IO.File]::Move($fresh, $path)
    return $true
  } catch [IO.IOException] {
    [IO.File]::Delete($fresh)
    if ([IO.File]::Exists($path)) { return $false }
    throw
  }
}

# Marks the time of an event, for whoever looks at when the file was changed last.
function Set-WbTouched([string]$path) { [IO.File]::SetLastWriteTimeUtc($path, [DateTime]::UtcNow) }

# ---- records: 1 KiB each is reserved when the attempt is claimed, so that a full disk cannot swallow an outcome

$wbRecordBytes = 1024

function Format-WbRecord([string]$text) { return , $wbUtf8.GetBytes($text.PadRight($wbRecordBytes - 1) + "`n") }

function Reserve-WbRecord([string]$name) { Write-WbDurably "$wbDir\$name.reserve" 'Create' (Format-WbRecord '') }

# Overwrites the reserved file in place and renames it to the record. The rename is on the disk when it returns.
function Write-WbRecord([string]$name, [Collections.IDictionary]$fields) {
  Write-WbDurably "$wbDir\$name.reserve" 'Open' (Format-WbRecord (ConvertTo-Json $fields -Compress))
  [WaybillNative]::MoveDurably("$wbDir\$name.reserve", "$wbDir\$name")
}

# A record of attempt $name ("RUN.ATTEMPT") as its line and its fields; $null when there is none, or half of one.
function Read-WbRecord([string]$name, [string]$record) {
  $line = Read-WbText "$wbPrefix\runs\$name\$record"
  if (-not $line) { return $null }
  try { return @{ Line = $line; Fields = (ConvertFrom-Json $line) } }
  catch [ArgumentException] { return $null }
}

# ---- folders

# Everything below $root, with "./" and forward slashes as on other machines; what a link leads to is left alone.
function Get-WbEntries([string]$root) {
  $found = [Collections.Generic.List[object]]::new()
  $waiting = [Collections.Generic.Stack[object]]::new()
  $waiting.Push(@($root, '.'))
  while ($waiting.Count -gt 0) {
    $at, $name = $waiting.Pop()
    foreach ($item in [IO.DirectoryInfo]::new($at).EnumerateFileSystemInfos()) {
      $path = "$name/$($item.Name)"
      if ($item.Attributes -band [IO.FileAttributes]::ReparsePoint) { $kind = 'link' }
      elseif ($item -is [IO.DirectoryInfo]) { $kind = 'directory'; $waiting.Push(@($item.FullName, $path)) }
      else { $kind = 'file' }
      $size = 0L
      if ($kind -eq 'file') { $size = $item.Length }
      $found.Add([pscustomobject]@{ Path = $path; FullName = $item.FullName; Kind = $kind; Size = $size; Changed = $item.LastWriteTimeUtc })
    }
  }
  return , $found
}

function ConvertTo-WbHex([byte[]]$bytes) { return [BitConverter]::ToString($bytes).Replace('-', '').ToLowerInvariant() }

function Get-WbHash([string]$path) {
  $sha = [Security.Cryptography.SHA256]::Create()
  $file = Open-WbFile $path 'Open' 'Read'
  try { return ConvertTo-WbHex ($sha.ComputeHash($file)) } finally { $file.Dispose(); $sha.Dispose() }
}

# The list of hashes of all files below $root, as sha256sum prints it, sorted by bytes.
function Get-WbHashList([string]$root) {
  $lines = [Collections.Generic.List[string]]::new()
  foreach ($entry in (Get-WbEntries $root)) {
    if ($entry.Kind -eq 'file') { $lines.Add($wbLatin1.GetString($wbUtf8.GetBytes("$(Get-WbHash $entry.FullName)  $($entry.Path)`n"))) }
  }
  $lines.Sort([StringComparer]::Ordinal)
  return , $wbLatin1.GetBytes([string]::Concat($lines))
}

function Get-WbHashOf([byte[]]$bytes) {
  $sha = [Security.Cryptography.SHA256]::Create()
  try { return ConvertTo-WbHex ($sha.ComputeHash($bytes)) } finally { $sha.Dispose() }
}

# Removes a folder and all below it: links themselves and not what they lead to, and also what may only be read.
function Remove-WbFolder([string]$path) {
  if (-not [IO.Directory]::Exists($path)) { return }
  foreach ($entry in (Get-WbEntries $path)) {
    if ($entry.Kind -eq 'file') { [IO.File]::SetAttributes($entry.FullName, [IO.FileAttributes]::Normal) }
  }
  [IO.Directory]::Delete($path, $true)
}

