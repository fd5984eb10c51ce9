/* SPDX-License-Identifier: MIT */
/*
 * names.h - what the library takes from src/control and src/base, under names of its own
 *
 * A static library has no secrets: a program that links it may have functions of these names itself. The
 * build includes this file before every other (-include).
 */
#ifndef PORTCRED_LIBPORTCRED_NAMES_H
#define PORTCRED_LIBPORTCRED_NAMES_H

#define database_again             portcred_database_again
#define database_error             portcred_database_error
#define database_group             portcred_database_group
#define database_room_clear        portcred_database_room_clear
#define database_user              portcred_database_user
#define database_user_name         portcred_database_user_name
#define grow                       portcred_grow
#define varlink_answer_new         portcred_varlink_answer_new
#define varlink_answer_parse       portcred_varlink_answer_parse
#define varlink_buffer_clear       portcred_varlink_buffer_clear
#define varlink_buffer_filled      portcred_varlink_buffer_filled
#define varlink_buffer_next        portcred_varlink_buffer_next
#define varlink_buffer_pending     portcred_varlink_buffer_pending
#define varlink_buffer_put         portcred_varlink_buffer_put
#define varlink_buffer_relax       portcred_varlink_buffer_relax
#define varlink_buffer_room        portcred_varlink_buffer_room
#define varlink_buffer_sent        portcred_varlink_buffer_sent
#define varlink_call               portcred_varlink_call
#define varlink_call_fd            portcred_varlink_call_fd
#define varlink_call_more          portcred_varlink_call_more
#define varlink_client_free        portcred_varlink_client_free
#define varlink_client_new         portcred_varlink_client_new
#define varlink_client_set_limit   portcred_varlink_client_set_limit
#define varlink_client_set_timeout portcred_varlink_client_set_timeout
#define varlink_connect            portcred_varlink_connect
#define varlink_listen_at          portcred_varlink_listen_at
#define varlink_request_new        portcred_varlink_request_new
#define varlink_request_parse      portcred_varlink_request_parse
#define varlink_string             portcred_varlink_string

#endif
