/* SPDX-License-Identifier: MIT */
/*
 * hooks.h - the programs of the kernel half: loaded when a policy first needs them, attached while
 * one does
 *
 * A hook costs every process that comes by, and a program that is never attached costs the start of
 * the daemon what the kernel takes to verify it.
 */
#ifndef PORTCRED_KERNEL_HOOKS_H
#define PORTCRED_KERNEL_HOOKS_H

struct bpf_object;
struct enforcer;

/* Groups of hooks, by what needs them. */
#define HOOKS_BIND     1U  /* bind(2): always */
#define HOOKS_AUTOBIND 2U  /* ports that the kernel chooses: where such a port is governed */
#define HOOKS_REFUSED  4U  /* sockets bound before: where one of them is refused */
#define HOOKS_VOUCH    8U  /* connections: where there is a host, or a rule about one */
#define HOOKS_ACCEPT   16U /* refusals at once: where an accept rule is enforced */
#define HOOKS_REDIRECT 32U /* calls led to another port: where a redirect says so */
#define HOOKS_ADOPT    64U /* listeners asked about themselves: enforcer_adopt_listener() */
#define HOOKS_ALL      127U

/* A link is pinned under its program's name behind this. */
#define HOOKS_PIN_PREFIX "link-"

/*
 * hooks_attach() - attach these groups, or put our programs into what is pinned of them
 *
 * Harmless before the first policy (control.enabled). What is attached already, by this process,
 * stays as it is. Returns 0; -errno with what was attached before still attached, and in *@ret_why
 * which hook failed (caller frees).
 */
int hooks_attach(struct enforcer *enforcer, unsigned groups, char **ret_why);

/* hooks_detach_but() - detach what is in none of these groups; their programs stay loaded */
int hooks_detach_but(struct enforcer *enforcer, unsigned groups);

/* hooks_detach_link() - also from under a daemon that holds it open; returns 1, 0 if it was none */
int hooks_detach_link(const char *path);

/*
 * hooks_choose() - have libbpf load those programs of these groups that are not loaded yet, alone
 * hooks_take() - keep what it has loaded of them, for hooks_attach(); returns 0, -errno
 *
 * For enforcer_open(), between whose two halves the maps are made.
 */
void hooks_choose(const struct enforcer *enforcer, struct bpf_object *object, unsigned groups);
int hooks_take(struct enforcer *enforcer, const struct bpf_object *object);

#endif
