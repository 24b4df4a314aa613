package sqlitedb

import "golang.org/x/sys/unix"

// networkFileSystems are magic numbers of statfs(2) and of the kernel's linux/magic.h.
var networkFileSystems = map[uint32]string{
	unix.AFS_FS_MAGIC:      "AFS",
	unix.AFS_SUPER_MAGIC:   "AFS",
	unix.CEPH_SUPER_MAGIC:  "Ceph",
	unix.CODA_SUPER_MAGIC:  "Coda",
	unix.NCP_SUPER_MAGIC:   "NCP",
	unix.NFS_SUPER_MAGIC:   "NFS",
	unix.OCFS2_SUPER_MAGIC: "OCFS2",
	unix.SMB_SUPER_MAGIC:   "SMB",
	unix.SMB2_SUPER_MAGIC:  "SMB2",
	unix.V9FS_MAGIC:        "9P",
	0xff534d42:             "CIFS",
	0x0bd00bd0:             "Lustre",
	0x47504653:             "GPFS",
	0x01161970:             "GFS2",
}

// networkFileSystem names the network file system that dir lies on; it returns "" for a local one.
func networkFileSystem(dir string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", err
	}
	return networkFileSystems[uint32(st.Type)], nil
}
