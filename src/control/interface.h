/* SPDX-License-Identifier: MIT */
/*
 * interface.h - the definitions of the interfaces, as they stand in the files *.varlink
 */
#ifndef PORTCRED_CONTROL_INTERFACE_H
#define PORTCRED_CONTROL_INTERFACE_H

#define INTERFACE_PORTCRED        "io.portcred"
#define INTERFACE_NFSGATE         "io.portcred.nfsgate"
#define INTERFACE_VARLINK_SERVICE "org.varlink.service"

extern const char interface_portcred[];
extern const char interface_nfsgate[];
extern const char interface_varlink_service[];

#endif
