/* SPDX-License-Identifier: MIT */
/*
 * signals.h - who calls modules of PAM has the same signals, whoever started the server
 */
#ifndef PORTCRED_RCMDD_SIGNALS_H
#define PORTCRED_RCMDD_SIGNALS_H

/*
 * signals_reset() - none is blocked; SIGALRM ends this process; children are waited for; and who writes
 * to somebody who has gone hears of it by EPIPE
 */
void signals_reset(void);

#endif
