import { describe, expect, it } from "vitest";
import { mountTypeOf, networkFileSystem, refuseNetworkFileSystem } from "./file-system.js";

const unasked = (): string => {
  throw new Error("the mount table is read for FUSE only");
};

describe("the file system of a store", () => {
  it("is refused when it is shared over a network", () => {
    expect(networkFileSystem(0x6969, unasked)).toBe("NFS");
    expect(networkFileSystem(0xff534d42, unasked)).toBe("CIFS");
    expect(networkFileSystem(-11_317_950, unasked)).toBe("CIFS");
    expect(networkFileSystem(0x01021997, unasked)).toBe("9p");
  });

  it("is accepted when it is local", () => {
    for (const type of [0xef53, 0x01021994, 0x9123683e, 0x58465342])
      expect(networkFileSystem(type, unasked)).toBeNull();
    expect(() => refuseNetworkFileSystem(import.meta.dirname)).not.toThrow();
  });

  it("is judged by the mount table when it is FUSE", () => {
    expect(networkFileSystem(0x65735546, () => "fuse.sshfs")).toBe("fuse.sshfs");
    expect(networkFileSystem(0x65735546, () => "fuse.ntfs-3g")).toBeNull();
    expect(networkFileSystem(0x65735546, () => null)).toBeNull();
  });

  it("is that of the longest mount point above the directory", () => {
    const table = [
      "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
      "30 22 0:44 / /home/a\\040b rw shared:2 - fuse.sshfs host: rw",
      "31 22 0:45 / /home/a rw - tmpfs tmpfs rw",
    ].join("\n");
    expect(mountTypeOf(table, "/home/a b/state")).toBe("fuse.sshfs");
    expect(mountTypeOf(table, "/home/a/state")).toBe("tmpfs");
    expect(mountTypeOf(table, "/home/ab")).toBe("ext4");
  });
});
