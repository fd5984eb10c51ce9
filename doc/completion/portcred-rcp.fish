# SPDX-License-Identifier: MIT
# Completion of portcred-rcp(1) for fish.

complete -c portcred-rcp -s p -d 'Keep modes and times'
complete -c portcred-rcp -s r -d 'Directories too, with all that is in them'
complete -c portcred-rcp -l any-name -d 'Take what the host sends, whatever it is called'
complete -c portcred-rcp -l remote-rcp -x -d 'The command there'
complete -c portcred-rcp -l rsh -x -a '(__fish_complete_command)' \
    -d 'Starts commands on other hosts'
complete -c portcred-rcp -l help -d 'Show help'
complete -c portcred-rcp -l version -d 'Print the version'
complete -c portcred-rcp -a '(__fish_print_hostnames):' -d Host
