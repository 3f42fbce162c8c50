/**
 * Refuses file systems on which SQLite's locks or its shared memory do not work (https://sqlite.org/wal.html, 2.2;
 * https://sqlite.org/howtocorrupt.html, 2.1): there, two hosts corrupt a database without an error.
 */
import { readFileSync, statfsSync } from "node:fs";
import { WaybillError } from "../../domain/errors.js";

/** statfs(2) types of network and shared file systems. */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9p"],
  [0x5346414f, "AFS"],
  [0x73757245, "Coda"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x564c, "NCP"],
  [0x786f4256, "VirtualBox shared folder"],
]);

const FUSE_TYPE = 0x65735546;

/** Over FUSE go local disks (ntfs-3g, virtiofs) and remote ones; the mount table tells them apart. */
const REMOTE_FUSE = /^fuse\.(sshfs|rclone|s3fs|gcsfuse|glusterfs|ceph|ceph-fuse|curlftpfs|davfs|afpfs|smbnetfs)$/;

/**
 * @param type `statfs(2)` type of the directory.
 * @param mountType lazily, the mount table's name for it; asked for FUSE only.
 * @returns the name of the network file system, or null when it is none.
 */
export function networkFileSystem(type: number, mountType: () => string | null): string | null {
  const unsigned = type >>> 0;
  if (unsigned !== FUSE_TYPE) return NETWORK_TYPES.get(unsigned) ?? null;
  const name = mountType();
  return name !== null && REMOTE_FUSE.test(name) ? name : null;
}

/** @returns the file system type of the mount that holds `directory`, from the text of `/proc/self/mountinfo`. */
export function mountTypeOf(mountinfo: string, directory: string): string | null {
  let best = { length: -1, type: null as string | null };
  for (const line of mountinfo.split("\n")) {
    const [left, right] = line.split(" - ");
    const escaped = left?.split(" ")[4];
    if (escaped === undefined || right === undefined) continue;
    const point = escaped.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const holds = directory === point || directory.startsWith(point === "/" ? "/" : `${point}/`);
    if (holds && point.length >= best.length) best = { length: point.length, type: right.split(" ")[0] ?? null };
  }
  return best.type;
}

/** @throws `store_unsupported` when `directory` lies on a network file system. Linux only: elsewhere types have no numbers. */
export function refuseNetworkFileSystem(directory: string): void {
  if (process.platform !== "linux") return;
  const { type } = statfsSync(directory);
  const found = networkFileSystem(type, () => mountTypeOf(readFileSync("/proc/self/mountinfo", "utf8"), directory));
  if (found === null) return;
  throw new WaybillError(
    "store_unsupported",
    `The store's directory ${directory} is on a network file system (${found}), where SQLite's locks cannot be trusted.`,
    {
      hint: "Put the store on a local disk: set WAYBILL_STORE=file:/local/path/waybill.db or WAYBILL_HOME.",
      details: { directory, fileSystem: found },
    },
  );
}
