/* SPDX-License-Identifier: MIT */
/*
 * sanitized.h - whether AddressSanitizer is compiled in, which wants more of the machine than we do
 */
#ifndef PORTCRED_BASE_SANITIZED_H
#define PORTCRED_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
