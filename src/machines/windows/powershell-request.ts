/**
 * Requests to Windows PowerShell 5.1. Nothing is quoted: the command is base64 of a program that never changes, and what is
 * asked for follows on standard input as base64 of JSON.
 */
import { WaybillError } from "../../domain/errors.js";
import { NOT_INSTALLED, type RequestLine } from "../ssh/request-line.js";

/** What travels to a machine that runs Windows. An order without a verb installs the supervisor from what follows it. */
export interface PowershellOrder {
  readonly nonce: string;
  readonly work_dir: string;
  readonly hash: string;
  readonly verb: string | null;
  readonly args: readonly string[];
  /** Names and values in turn: as an object, PowerShell would refuse names that differ in case only. */
  readonly env: readonly string[];
}

/** Decimal digits before an order: how many bytes its base64 has. */
const LENGTH_DIGITS = 8;

/**
 * Reads exactly one order, and not a byte of what follows; prints the answer between the nonce and its trailer. A function of
 * the supervisor leaves its status in `$wbStatus`. The script is evaluated as text, which no execution policy forbids.
 */
const BOOTSTRAP_PROGRAM = `
$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue'
$wbIn=[Console]::OpenStandardInput();$wbOut=[Console]::OpenStandardOutput()
function Read-WbBytes([IO.Stream]$from,[int]$count){$bytes=[byte[]]::new($count);$at=0
while($at -lt $count){$n=$from.Read($bytes,$at,$count-$at);if($n -le 0){throw 'the request was cut'};$at+=$n};,$bytes}
function Read-WbOrder([IO.Stream]$from){$n=[int][Text.Encoding]::ASCII.GetString((Read-WbBytes $from ${LENGTH_DIGITS}))
$line=[Text.Encoding]::ASCII.GetString((Read-WbBytes $from ($n+1)))
[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($line))|ConvertFrom-Json}
function Send-WbText([string]$text){$bytes=[Text.Encoding]::UTF8.GetBytes($text);$wbOut.Write($bytes,0,$bytes.Length);$wbOut.Flush()}
$wbOrder=Read-WbOrder $wbIn
Send-WbText "$($wbOrder.nonce)\`n"
$wbStatus=1
try{
$wbPrefix=[string]$wbOrder.work_dir -replace '^~(?=$|[\\\\/])',[Environment]::GetFolderPath('UserProfile').Replace('$','$$')
$wbPrefix=[IO.Path]::GetFullPath($wbPrefix)
$wbScript=[IO.Path]::Combine($wbPrefix,'bin',"supervisor-$($wbOrder.hash).ps1")
if($null -eq $wbOrder.verb){
$null=[IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($wbScript))
$fresh="$wbScript.$PID";$file=[IO.File]::Create($fresh)
try{$wbIn.CopyTo($file);$file.Flush($true)}finally{$file.Dispose()}
$found=[BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash([IO.File]::ReadAllBytes($fresh))).Replace('-','').ToLowerInvariant()
if(-not $found.StartsWith($wbOrder.hash)){[IO.File]::Delete($fresh);$wbStatus=2}
else{try{[IO.File]::Move($fresh,$wbScript)}catch{[IO.File]::Delete($fresh);if(-not [IO.File]::Exists($wbScript)){throw}};$wbStatus=0}
}elseif([IO.File]::Exists($wbScript)){$wbStatus=0;. ([ScriptBlock]::Create([IO.File]::ReadAllText($wbScript)))|Out-Null}
else{$wbStatus=${NOT_INSTALLED}}
}catch{if($wbStatus -eq 0){$wbStatus=5};Send-WbText "$($_.Exception.Message)\`n"}
Send-WbText "$($wbOrder.nonce) $wbStatus\`n"
`.trim();

/** `-EncodedCommand` as PowerShell reads it. */
const encodeCommand = (program: string): string => Buffer.from(program, "utf16le").toString("base64");

/**
 * What the login shell is asked to do, be it cmd.exe, PowerShell or another: words without anything to quote. Without
 * `-InputFormat None` PowerShell reads standard input itself, ahead of the program.
 */
export const POWERSHELL_BOOTSTRAP = `powershell.exe -NoLogo -NoProfile -NonInteractive -InputFormat None -OutputFormat Text -EncodedCommand ${encodeCommand(BOOTSTRAP_PROGRAM)}`;

/** Errors: `invalid_input` for text that has no UTF-8, or that no Windows process can be given. */
function encodeOrder(order: PowershellOrder): string {
  for (const text of [order.work_dir, ...order.args, ...order.env]) mustTravel(text);
  const coded = Buffer.from(JSON.stringify(order)).toString("base64");
  return `${String(coded.length).padStart(LENGTH_DIGITS, "0")}${coded}\n`;
}

function mustTravel(text: string): void {
  const fault = text.includes("\0") ? "a NUL" : text.isWellFormed() ? null : "half of a surrogate pair";
  if (fault === null) return;
  throw new WaybillError("invalid_input", `An argument or a variable for a Windows machine contains ${fault}.`, {
    hint: "Windows takes text only. Bytes can be brought as a file of the directory, or as base64.",
  });
}

export const powershellVerbLine = ({ nonce, workDir, supervisorHash, verb, args, env }: RequestLine): string =>
  encodeOrder({ nonce, work_dir: workDir, hash: supervisorHash, verb, args, env: Object.entries(env).flat() });

export const powershellInstallLine = (nonce: string, workDir: string, hash: string): string =>
  encodeOrder({ nonce, work_dir: workDir, hash, verb: null, args: [], env: [] });
