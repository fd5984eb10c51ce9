/* SPDX-License-Identifier: MIT */
/* policy_principals.c - who may bind, and where */
#include "policy_cases.h"

static const struct policy_case cases[] = {
	CASE("word_misspelled", "bind 80 by usr alice\n",
	     "1:12+3 error: unknown word 'usr' in a principal, expected user, group, exe, unit, "
	     "root or anyone; did you mean 'user'?\n"),
	CASE("word_misspelled_skips_its_name", "bind 80 by usr alice group developers\n",
	     "1:12+3 error: unknown word 'usr' in a principal, expected user, group, exe, unit, "
	     "root or anyone; did you mean 'user'?\n"),
	CASE("word_is_a_name", "bind 80 by alice\n",
	     "1:12+5 error: unknown word 'alice' in a principal, expected user, group, exe, unit, "
	     "root or anyone\n"),
	CASE("word_in_quotes", "bind 80 by \"root\"\n",
	     "1:12+6 error: unknown word '\"root\"' in a principal, expected user, group, exe, "
	     "unit, root or anyone; did you mean 'root'?\n"),
	CASE("user_without_name", "bind 80 by user\n",
	     "1:16+1 error: no name behind 'user', expected a user's name or number\n"),
	CASE("user_before_comma", "bind 80 by user, root\n",
	     "1:16+1 error: no name behind 'user', expected a user's name or number\n"),
	CASE("user_before_a_word", "bind 80 by user exe /usr/sbin/nginx\n",
	     "1:17+3 error: no name between 'user' and 'exe', expected a user's name or number (in "
	     "quotes if that is its name)\n"),
	CASE("user_anyone", "bind 80 by user anyone\n",
	     "1:17+6 error: no name between 'user' and 'anyone', expected a user's name or number "
	     "(in quotes if that is its name)\n"),
	CASE("user_empty", "bind 80 by user \"\"\n",
	     "1:17+2 error: empty name behind 'user', expected a user's name or number\n"),
	CASE("user_unknown", "bind 80 by user alcie\n",
	     "1:17+5 error: unknown user 'alcie', expected a user of this machine\n"),
	CASE("user_unknown_is_said_once",
	     "bind 80 by user carol\n"
	     "bind 81 by user carol\n",
	     "1:17+5 error: unknown user 'carol', expected a user of this machine\n"),
	CASE("user_with_the_id_of_nobody", "bind 80 by user nobody-at-all\n",
	     "1:17+13 error: unknown user 'nobody-at-all', expected a user of this machine\n"),
	CASE("user_not_answered", "bind 80 by user unreachable\n",
	     "1:17+11 error: user 'unreachable' cannot be looked up (Connection timed out), "
	     "expected an answer from the name service\n"),
	CASE("user_id_too_large", "bind 80 by user 4294967295\n",
	     "1:17+10 error: user id 4294967295 is out of range, expected 0 to 4294967294\n"),
	CASE("user_id_far_too_large", "bind 80 by user 99999999999999999999999\n",
	     "1:17+23 error: user id 99999999999999999999999 is out of range, expected 0 to "
	     "4294967294\n"),
	CASE("group_without_name", "bind 80 by group on ::1\n",
	     "1:18+2 error: no name between 'group' and 'on', expected a group's name or number "
	     "(in quotes if that is its name)\n"),
	CASE("group_unknown", "bind 80 by group carols\n",
	     "1:18+6 error: unknown group 'carols', expected a group of this machine\n"),
	CASE("group_id_too_large", "bind 80 by group 4294967295\n",
	     "1:18+10 error: group id 4294967295 is out of range, expected 0 to 4294967294\n"),
	LENIENT("user_unknown_leniently", "bind 80 by user carol\n",
		"1:17+5 warning: unknown user 'carol', expected a user of this machine, and the "
		"rule admits nobody by it until it is there\n"),
	LENIENT("group_not_answered_leniently", "bind 80 by group unreachable\n",
		"1:18+11 warning: group 'unreachable' cannot be looked up (Connection timed out), "
		"expected an answer from the name service, and the rule admits nobody by it until "
		"it is there\n"),
	CASE("item_empty_in_principals", "bind 80 by root,, user alice\n",
	     "1:17+1 error: empty item in the list of principals, expected a principal before "
	     "','\n"),
	CASE("comma_last_in_principals", "bind 80 by root, user alice,\n",
	     "1:28+1 error: ',' at the end of the list of principals, expected a principal behind "
	     "it\n"),
	CASE("comma_last_before_on", "bind 80 by root, on ::1\n",
	     "1:16+1 error: ',' at the end of the list of principals, expected a principal behind "
	     "it\n"),
	CASE("user_twice", "bind 80 by user alice user bob\n",
	     "1:23+4 error: 'user' twice in one principal, expected ',' between two\n"),
	CASE("group_twice", "bind 80 by group dba group developers\n",
	     "1:22+5 error: 'group' twice in one principal, expected ',' between two\n"),
	CASE("exe_twice", "bind 80 by user alice exe /usr/bin/a exe /usr/bin/b\n",
	     "1:38+3 error: 'exe' twice in one principal, expected ',' between two\n"),
	CASE("unit_twice", "bind 80 by unit a.service unit b.service\n",
	     "1:27+4 error: 'unit' twice in one principal, expected ',' between two\n"),
	CASE("root_twice", "bind 80 by root root\n",
	     "1:17+4 error: 'root' twice in one principal, expected ',' between two\n"),
	CASE("anyone_twice", "bind 80 by anyone anyone\n",
	     "1:19+6 error: 'anyone' and other words in one principal, expected 'anyone' alone\n"),
	CASE("root_and_user", "bind 80 by root user alice\n",
	     "1:17+4 error: 'root' and 'user' in one principal, expected one of them (root is user "
	     "0)\n"),
	CASE("user_and_root", "bind 80 by user alice root\n",
	     "1:23+4 error: 'root' and 'user' in one principal, expected one of them (root is user "
	     "0)\n"),
	CASE("anyone_and_user", "bind 80 by anyone user alice\n",
	     "1:12+6 error: 'anyone' and other words in one principal, expected 'anyone' alone\n"),
	CASE("unit_and_anyone", "bind 80 by unit a.service anyone\n",
	     "1:27+6 error: 'anyone' and other words in one principal, expected 'anyone' alone\n"),
	CASE("exe_alone", "bind 80 by exe /usr/sbin/nginx\n",
	     "1:12+3 error: 'exe' alone, expected user, group or unit beside it (who may run a "
	     "program can steer it)\n"),
	CASE("exe_alone_beside_another", "bind 80 by user alice, exe /usr/sbin/nginx\n",
	     "1:24+3 error: 'exe' alone, expected user, group or unit beside it (who may run a "
	     "program can steer it)\n"),
	CASE("exe_and_anyone", "bind 80 by exe /usr/sbin/nginx anyone\n",
	     "1:32+6 error: 'anyone' and other words in one principal, expected 'anyone' alone\n"),
	CASE("exe_without_path", "bind 80 by root exe\n",
	     "1:20+1 error: no name behind 'exe', expected a program's absolute path\n"),
	CASE("exe_relative", "bind 80 by root exe nginx\n",
	     "1:21+5 error: 'nginx' is not an absolute path, expected one such as "
	     "/usr/sbin/nginx\n"),
	CASE("exe_missing", "bind 80 by root exe /usr/sbin/ngnix\n",
	     "1:21+15 error: '/usr/sbin/ngnix' does not exist, expected an executable file\n"),
	LENIENT("exe_missing_leniently", "bind 80 by root exe /usr/sbin/ngnix\n",
		"1:21+15 warning: '/usr/sbin/ngnix' does not exist, and the rule admits nobody by "
		"it until it does, expected an executable file\n"),
	CASE("exe_missing_is_said_once",
	     "bind 80 by root exe /nothing\n"
	     "bind 81 by root exe /nothing\n",
	     "1:21+8 error: '/nothing' does not exist, expected an executable file\n"),
	CASE("exe_replaceable", "bind 80 by root exe /home/alice/bin/server\n",
	     "1:21+22 error: '/home/alice' can be changed by someone other than root, who could "
	     "then be '/home/alice/bin/server'; expected it to belong to root and be writable by "
	     "nobody else\n"),
	LENIENT("exe_replaceable_leniently", "bind 80 by root exe /home/alice/bin/server\n",
		"1:21+22 error: '/home/alice' can be changed by someone other than root, who could "
		"then be '/home/alice/bin/server'; expected it to belong to root and be writable "
		"by nobody else\n"),
	CASE("exe_is_a_script", "bind 80 by root exe /usr/script\n",
	     "1:21+11 error: '/usr/script' is a #! script, which the kernel sees as its "
	     "interpreter, expected a program, or 'unit' instead\n"),
	CASE("exe_is_a_directory", "bind 80 by root exe /usr\n",
	     "1:21+4 error: '/usr' is a directory, expected an executable file\n"),
	CASE("exe_is_not_executable", "bind 80 by root exe /etc/passwd\n",
	     "1:21+11 error: '/etc/passwd' is not executable, expected an executable file\n"),
	CASE("exe_out_of_reach", "bind 80 by root exe /root/secret\n",
	     "1:21+12 error: '/root' may not be searched, expected to be allowed to look at "
	     "'/root/secret' (try again as root)\n"),
	CASE("exe_of_links_without_end", "bind 80 by root exe /loop\n",
	     "1:21+5 error: '/loop' cannot be looked at (Too many levels of symbolic links), "
	     "expected an executable file\n"),
	CASE("unit_without_name", "bind 80 by unit only\n",
	     "1:17+4 error: no name between 'unit' and 'only', expected a unit's name (in quotes "
	     "if that is its name)\n"),
	CASE("unit_empty", "bind 80 by unit \"\"\n",
	     "1:17+2 error: empty name behind 'unit', expected a unit's name\n"),
	CASE("unit_of_two_stars", "bind 80 by unit a*b*.service\n",
	     "1:17+12 error: two '*' in unit 'a*b*.service', expected at most one\n"),
	CASE("unit_with_slash", "bind 80 by unit system.slice/a.service\n",
	     "1:17+22 error: '/' in unit 'system.slice/a.service', expected the unit's name alone, "
	     "such as nginx.service\n"),
	CASE("unit_is_a_slice", "bind 80 by unit system.slice\n",
	     "1:17+12 error: 'system.slice' is a slice, expected a unit inside of one, such as "
	     "nginx.service\n"),
	CASE("unit_without_suffix", "bind 80 by unit nginx\n",
	     "1:17+5 warning: unit 'nginx' has no suffix, expected one such as 'nginx.service' if "
	     "systemd runs it\n"),
	CASE("exe_is_interpreter_python3", "bind 80 by root exe /usr/bin/python3\n",
	     "1:21+16 warning: '/usr/bin/python3' is an interpreter, so the rule admits whatever "
	     "it runs, expected the program itself\n"),
	CASE("exe_is_interpreter_python3_11", "bind 80 by root exe /usr/bin/python3.11\n",
	     "1:21+19 warning: '/usr/bin/python3.11' is an interpreter, so the rule admits "
	     "whatever it runs, expected the program itself\n"),
	CASE("exe_is_interpreter_perl", "bind 80 by root exe /usr/bin/perl\n",
	     "1:21+13 warning: '/usr/bin/perl' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_perl5_36", "bind 80 by root exe /usr/bin/perl5.36\n",
	     "1:21+17 warning: '/usr/bin/perl5.36' is an interpreter, so the rule admits whatever "
	     "it runs, expected the program itself\n"),
	CASE("exe_is_interpreter_bash", "bind 80 by root exe /usr/bin/bash\n",
	     "1:21+13 warning: '/usr/bin/bash' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_sh", "bind 80 by root exe /usr/bin/sh\n",
	     "1:21+11 warning: '/usr/bin/sh' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_dash", "bind 80 by root exe /usr/bin/dash\n",
	     "1:21+13 warning: '/usr/bin/dash' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_zsh", "bind 80 by root exe /usr/bin/zsh\n",
	     "1:21+12 warning: '/usr/bin/zsh' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_ksh", "bind 80 by root exe /usr/bin/ksh\n",
	     "1:21+12 warning: '/usr/bin/ksh' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_node", "bind 80 by root exe /usr/bin/node\n",
	     "1:21+13 warning: '/usr/bin/node' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_ruby", "bind 80 by root exe /usr/bin/ruby\n",
	     "1:21+13 warning: '/usr/bin/ruby' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_ruby3_1", "bind 80 by root exe /usr/bin/ruby3.1\n",
	     "1:21+16 warning: '/usr/bin/ruby3.1' is an interpreter, so the rule admits whatever "
	     "it runs, expected the program itself\n"),
	CASE("exe_is_interpreter_java", "bind 80 by root exe /usr/bin/java\n",
	     "1:21+13 warning: '/usr/bin/java' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_php", "bind 80 by root exe /usr/bin/php\n",
	     "1:21+12 warning: '/usr/bin/php' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_php8_2", "bind 80 by root exe /usr/bin/php8.2\n",
	     "1:21+15 warning: '/usr/bin/php8.2' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_lua", "bind 80 by root exe /usr/bin/lua\n",
	     "1:21+12 warning: '/usr/bin/lua' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_lua5_4", "bind 80 by root exe /usr/bin/lua5.4\n",
	     "1:21+15 warning: '/usr/bin/lua5.4' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_busybox", "bind 80 by root exe /usr/bin/busybox\n",
	     "1:21+16 warning: '/usr/bin/busybox' is an interpreter, so the rule admits whatever "
	     "it runs, expected the program itself\n"),
	CASE("exe_is_interpreter_env", "bind 80 by root exe /usr/bin/env\n",
	     "1:21+12 warning: '/usr/bin/env' is an interpreter, so the rule admits whatever it "
	     "runs, expected the program itself\n"),
	CASE("exe_is_interpreter_ld", "bind 80 by root exe /usr/bin/ld-linux-x86-64.so.2\n",
	     "1:21+29 warning: '/usr/bin/ld-linux-x86-64.so.2' is an interpreter, so the rule "
	     "admits whatever it runs, expected the program itself\n"),
	CASE("exe_is_no_interpreter_shell", "bind 80 by root exe /usr/bin/shell\n", ""),
	CASE("exe_is_no_interpreter_nodejs_app", "bind 80 by root exe /usr/bin/nodejs-app\n", ""),
	CASE("exe_is_no_interpreter_javac", "bind 80 by root exe /usr/bin/javac\n", ""),
	CASE("exe_is_no_interpreter_bashful", "bind 80 by root exe /usr/bin/bashful\n", ""),
	CASE("exe_is_no_interpreter_perlish", "bind 80 by root exe /usr/bin/perlish\n", ""),
	CASE("exe_is_no_interpreter_rubyist", "bind 80 by root exe /usr/bin/rubyist\n", ""),
	CASE("exe_is_no_interpreter_lual", "bind 80 by root exe /usr/bin/lual\n", ""),
	CASE("exe_is_no_interpreter_phpmyadmin", "bind 80 by root exe /usr/bin/phpmyadmin\n", ""),
	CASE("exe_is_no_interpreter_luatex", "bind 80 by root exe /usr/bin/luatex\n", ""),
	CASE("address_bad", "bind 80 by root on 10.0.0.256\n",
	     "1:20+10 error: bad address '10.0.0.256', expected an IPv4 or IPv6 address or a "
	     "network such as 10.0.0.0/8\n"),
	CASE("address_is_a_name", "bind 80 by root on localhost\n",
	     "1:20+9 error: bad address 'localhost', expected an IPv4 or IPv6 address or a network "
	     "such as 10.0.0.0/8\n"),
	CASE("address_with_port", "bind 80 by root on 127.0.0.1:80\n",
	     "1:20+12 error: bad address '127.0.0.1:80', expected an IPv4 or IPv6 address or a "
	     "network such as 10.0.0.0/8\n"),
	CASE("address_with_zone", "bind 80 by root on fe80::1%eth0\n",
	     "1:20+12 error: bad address 'fe80::1%eth0', expected an IPv4 or IPv6 address or a "
	     "network such as 10.0.0.0/8\n"),
	CASE("address_with_zeros", "bind 80 by root on 010.0.0.1\n",
	     "1:20+9 error: bad address '010.0.0.1', expected an IPv4 or IPv6 address or a network "
	     "such as 10.0.0.0/8\n"),
	CASE("address_missing", "bind 80 by root on\n",
	     "1:19+1 error: no address behind 'on', expected an IPv4 or IPv6 address or a network "
	     "such as 10.0.0.0/8\n"),
	CASE("address_missing_before_only", "bind 80 by root on only\n",
	     "1:20+4 error: no address behind 'on', expected an IPv4 or IPv6 address or a network "
	     "such as 10.0.0.0/8\n"),
	CASE("address_empty", "bind 80 by root on \"\"\n",
	     "1:20+2 error: bad address '\"\"', expected an IPv4 or IPv6 address or a network such "
	     "as 10.0.0.0/8\n"),
	CASE("address_item_empty", "bind 80 by root on ::1,, ::2\n",
	     "1:24+1 error: empty item in the list of addresses, expected an address before ','\n"),
	CASE("address_comma_last", "bind 80 by root on ::1,\n",
	     "1:23+1 error: ',' at the end of the list of addresses, expected an address behind "
	     "it\n"),
	CASE("prefix_too_long_for_4", "bind 80 by root on 10.0.0.0/33\n",
	     "1:29+2 error: prefix length 33 is too long for IPv4, expected 0 to 32\n"),
	CASE("prefix_too_long_for_6", "bind 80 by root on ::1/129\n",
	     "1:24+3 error: prefix length 129 is too long for IPv6, expected 0 to 128\n"),
	CASE("prefix_empty", "bind 80 by root on 10.0.0.0/\n",
	     "1:29+1 error: bad prefix length, expected 0 to 32 behind the '/'\n"),
	CASE("prefix_is_a_mask", "bind 80 by root on 10.0.0.0/255.0.0.0\n",
	     "1:29+9 error: bad prefix length, expected 0 to 32 behind the '/'\n"),
	CASE("prefix_with_zero", "bind 80 by root on 10.0.0.0/08\n",
	     "1:29+2 error: bad prefix length, expected 0 to 32 behind the '/'\n"),
	CASE("host_bits_4", "bind 80 by root on 10.1.2.3/8\n",
	     "1:20+10 error: '10.1.2.3/8' has bits set behind its prefix, expected 10.0.0.0/8\n"),
	CASE("host_bits_6", "bind 80 by root on 2001:db8::1/64\n",
	     "1:20+14 error: '2001:db8::1/64' has bits set behind its prefix, expected "
	     "2001:db8::/64\n"),
	CASE("host_bits_everything", "bind 80 by root on 127.0.0.1/0\n",
	     "1:20+11 error: '127.0.0.1/0' has bits set behind its prefix, expected 0.0.0.0/0\n"),
	CASE("mapped_too_wide", "bind 80 by root on ::ffff:0.0.0.0/95\n",
	     "1:20+17 error: network of IPv4-mapped addresses is wider than IPv4, expected a "
	     "prefix length of at least 96, or 0.0.0.0/0 for all of IPv4\n"),
	CASE("mapped_host_bits", "bind 80 by root on ::ffff:10.0.0.1/104\n",
	     "1:20+19 error: '::ffff:10.0.0.1/104' has bits set behind its prefix, expected "
	     "10.0.0.0/8\n"),
};

/* expect_filled() - what is said of a policy with @n times @fill in the middle */
static void expect_filled(const char *before, char fill, size_t n, const char *behind,
			  const char *expected)
{
	_cleanup_free_ char *text = NULL, *said = NULL, *filling = calloc(n + 1, 1);
	struct parsed parsed;

	memset(filling, fill, n);
	assert_true(asprintf(&text, "%s%s%s", before, filling, behind) > 0);
	assert_int_equal(parsed_bytes(&parsed, text, strlen(text), false), 0);
	said = parsed_text(&parsed);
	assert_string_equal(said, expected);
	parsed_clear(&parsed);
}

/* A path of PATH_MAX - 1 bytes can be opened, a longer one cannot. */
static void exe_too_long(void **state)
{
	expect_filled("bind 80 by root exe /usr/bin/", 'x', 4086, "\n", "");
	expect_filled("bind 80 by root exe /usr/bin/", 'x', 4087, "\n",
		      "1:21+4096 error: path of 4096 bytes, expected at most 4095\n");
}

/* A cgroup's name has at most 255 bytes. */
static void unit_too_long(void **state)
{
	expect_filled("bind 80 by unit ", 'u', 247, ".service\n", "");
	expect_filled("bind 80 by unit ", 'u', 248, ".service\n",
		      "1:17+256 error: unit name of 256 bytes, expected at most 255\n");
}

/* expect_addresses() - of a statement with @n of them */
static void expect_addresses(unsigned n, const char *expected)
{
	_cleanup_free_ char *text = NULL, *said = NULL;
	struct parsed parsed;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs("bind 80 by root on ::1", out);
	for (unsigned i = 1; i < n; i++)
		fprintf(out, ",10.0.0.%u", i);
	fputs("\n", out);
	fclose(out);
	assert_int_equal(parsed_bytes(&parsed, text, size, false), 0);
	said = parsed_text(&parsed);
	assert_string_equal(said, expected);
	assert_int_equal(parsed.policy->statements[0].prefixes, n > 64 ? 64 : n);
	parsed_clear(&parsed);
}

/* Said once, however many there are. */
static void too_many_addresses(void **state)
{
	expect_addresses(MAX_PREFIXES, "");
	expect_addresses(MAX_PREFIXES + 2,
			 "1:645+9 error: more than 64 addresses behind 'on', expected at most so "
			 "many\n");
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(exe_too_long),
	cmocka_unit_test(unit_too_long),
	cmocka_unit_test(too_many_addresses),
};

int main(void)
{
	return run_cases("policy_principals", cases, ELEMENTS(cases), others, ELEMENTS(others));
}
