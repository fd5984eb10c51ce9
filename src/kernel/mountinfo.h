/* SPDX-License-Identifier: MIT */
/*
 * mountinfo.h - what the kernel says of one mount in /proc/self/mountinfo (proc_pid_mountinfo(5))
 */
#ifndef PORTCRED_KERNEL_MOUNTINFO_H
#define PORTCRED_KERNEL_MOUNTINFO_H

#include <stdint.h>

/* struct mount - one line; the texts are owned, mount_clear() frees them */
struct mount {
	uint64_t id;
	uint32_t major; /* of the super block's own s_dev, whatever stat(2) says of its files */
	uint32_t minor;
	char *root;  /* directory of the file system that is mounted */
	char *point; /* where */
	char *type;  /* of the file system, such as cgroup2 */
};

/*
 * mountinfo_parse() - one line without its newline
 * Returns 0, -EBADMSG for a line of another form, -ENOMEM.
 */
int mountinfo_parse(const char *line, struct mount *ret_mount);

/*
 * mountinfo_of_fd() - the mount and the inode number behind an open descriptor (O_PATH will do)
 * @ret_inode: the inode's i_ino as the kernel's own code sees it, which is not always st_ino; may be
 * NULL
 *
 * Returns 0; -ENODEV where the mount is not in this mount namespace (or was detached).
 */
int mountinfo_of_fd(int fd, struct mount *ret_mount, uint64_t *ret_inode);

void mount_clear(struct mount *mount);

#endif
