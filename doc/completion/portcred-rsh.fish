# SPDX-License-Identifier: MIT
# Completion of portcred-rsh(1), portcred-rlogin(1) and portcred-rexec(1) for fish.

for program in portcred-rsh portcred-rlogin portcred-rexec
    complete -c $program -f
    complete -c $program -s l -l user -x -a '(__fish_complete_users)' -d 'Be that user there'
    complete -c $program -s 4 -l ipv4 -d 'IPv4 alone'
    complete -c $program -s 6 -l ipv6 -d 'IPv6 alone'
    complete -c $program -l connect-timeout -x -d 'Until the server must have let us in'
    complete -c $program -s d -l debug -d 'Set SO_DEBUG on the connection'
    complete -c $program -s K -d 'Without Kerberos'
    complete -c $program -l help -d 'Show help'
    complete -c $program -l version -d 'Print the version'
    complete -c $program -a '(__fish_print_hostnames)' -d Host
end

for program in portcred-rsh portcred-rlogin
    complete -c $program -s p -l port -x -d 'Of the server'
    complete -c $program -l proof -x -a 'vouched reserved' -d 'How the server knows us'
    complete -c $program -l rcmd-port -r -F -d 'The program that has reserved ports'
end

for program in portcred-rsh portcred-rexec
    complete -c $program -s n -l no-input -d "The command's standard input is at its end"
end

complete -c portcred-rlogin -s e -l escape -x -d "Instead of '~'"
complete -c portcred-rlogin -s E -l no-escape -d "Every character is the server's"
complete -c portcred-rlogin -s 8 -d 'Eight bits'
complete -c portcred-rlogin -s L -d 'Output as it is'
complete -c portcred-rexec -l port -x -d 'Of the server'
complete -c portcred-rexec -l password-file -r -F -d 'Its first line; nobody else may read it'
