# SPDX-License-Identifier: MIT
# Completion of portcred(1) for fish.

set -l verbs check explain ls who peer watch status reload confirm run suggest key
set -l no_verb "not __fish_seen_subcommand_from $verbs"

complete -c portcred -f
complete -c portcred -n $no_verb -l runtime-dir -x -a '(__fish_complete_directories)' \
    -d "Where portcredd's socket is"
complete -c portcred -n $no_verb -l version -d 'Print the version'
complete -c portcred -l help -d 'Show help'

complete -c portcred -n $no_verb -a check -d 'Say what is wrong with a policy'
complete -c portcred -n $no_verb -a explain -d 'Say whether a process may bind a port, and why'
complete -c portcred -n $no_verb -a ls \
    -d 'List every bound port and the rule that governs it, or connections'
complete -c portcred -n $no_verb -a who -d 'Say who holds a port, and who may'
complete -c portcred -n $no_verb -a peer -d 'Say who is at the other end of a connection'
complete -c portcred -n $no_verb -a watch -d 'Show refusals and grants as they happen'
complete -c portcred -n $no_verb -a status -d 'Say what portcredd enforces'
complete -c portcred -n $no_verb -a reload -d 'Put the policy on disk in force'
complete -c portcred -n $no_verb -a confirm -d 'Keep a policy that is on trial'
complete -c portcred -n $no_verb -a run \
    -d 'Bind, give up every privilege, and become a program'
complete -c portcred -n $no_verb -a suggest -d 'Write a policy from what is bound now'
complete -c portcred -n $no_verb -a key \
    -d 'Make, show and rotate the key with which this host vouches'

set -l actions generate show rotate
set -l no_action "__fish_seen_subcommand_from key; and not __fish_seen_subcommand_from $actions"
set -l action "__fish_seen_subcommand_from key; and __fish_seen_subcommand_from"

set -l prints check explain ls who peer watch status reload suggest $actions
complete -c portcred -n "__fish_seen_subcommand_from $prints" -l json -d 'Print JSON'
complete -c portcred -n '__fish_seen_subcommand_from check explain' -l policy -r -F \
    -d 'Read this policy and the policy.d beside it'
complete -c portcred -n '__fish_seen_subcommand_from check' -F
complete -c portcred -n '__fish_seen_subcommand_from explain who' \
    -a '(getent services | string split -f 1 " " | sort -u)'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l user -x \
    -a '(__fish_complete_users)' -d 'A process of this user'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l group -x \
    -a '(__fish_complete_groups)' -d 'In this group too'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l exe -r -F -d 'Running this program'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l unit -x -d 'In this systemd unit'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l address -x \
    -a '0.0.0.0 127.0.0.1 :: ::1' -d 'Binding this address'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l from -x -d 'A caller'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l owner -x \
    -a '(__fish_complete_users)' -d 'To a listener of this user'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l to -x -d 'A service'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l approved \
    -d 'A bind rule there approved it'
complete -c portcred -n '__fish_seen_subcommand_from explain' -l v6only -d 'With IPV6_V6ONLY set'
complete -c portcred -n '__fish_seen_subcommand_from ls' -l governed -d 'Leave ungoverned ports out'
complete -c portcred -n '__fish_seen_subcommand_from ls' -l peers \
    -d 'TCP connections, and who is at the other end'
complete -c portcred -n '__fish_seen_subcommand_from ls' -l nfs \
    -d 'Who calls the NFS server, and as whom'
complete -c portcred -n '__fish_seen_subcommand_from watch' -l nfs \
    -d 'What the NFS gate refuses and lets in'
complete -c portcred -n '__fish_seen_subcommand_from peer' -l fd -x \
    -d 'The connection is this descriptor'
complete -c portcred -n '__fish_seen_subcommand_from peer' -a '(__fish_complete_command)'
complete -c portcred -n '__fish_seen_subcommand_from reload' -l try -x \
    -d 'Put the old policy back after SECONDS'
complete -c portcred -n '__fish_seen_subcommand_from reload' -l force \
    -d 'Also where it would refuse your own connection'
complete -c portcred -n '__fish_seen_subcommand_from suggest' -l from-events \
    -d 'From what was seen over time'
complete -c portcred -n '__fish_seen_subcommand_from suggest' -l for -x \
    -d 'From what is seen in so many seconds'
complete -c portcred -n '__fish_seen_subcommand_from suggest' -l now \
    -d 'From what is bound, too'
complete -c portcred -n '__fish_seen_subcommand_from suggest' -F
set -l runs '__fish_seen_subcommand_from run'
complete -c portcred -n $runs -l listen -x \
    -a '(getent services | string split -f 1 " " | sort -u)' -d 'Bind this'
complete -c portcred -n $runs -l backlog -x -d 'Connections that may wait'
complete -c portcred -n $runs -l user -x -a '(__fish_complete_users)' \
    -d 'Who the program is to be'
complete -c portcred -n $runs -l unit -x -d 'The unit that rules see it in'
complete -c portcred -n $runs -l keep-caps -x -d 'Leave it these capabilities' \
    -a '(__fish_complete_list , "printf \"%s\\n\" all cap_net_bind_service cap_setuid cap_setgid cap_kill")'
complete -c portcred -n $runs -l ambient -d 'Leave it CAP_NET_BIND_SERVICE'
complete -c portcred -n $runs -l fdname -x -d 'Names of the sockets'
complete -c portcred -n $runs -l accept-fd -x -d 'The socket is this descriptor'
complete -c portcred -n $runs -l inetd -d 'A program for each connection'
complete -c portcred -n $runs -l limit -x -d 'With --inetd: so many at once'
complete -c portcred -n $runs -l env -x -a '(set -nx)' -d 'Set or pass on a variable'
complete -c portcred -n $runs -l keep-env -d 'Pass the whole environment on'
complete -c portcred -n $runs -a '(__fish_complete_command)'
complete -c portcred -n '__fish_seen_subcommand_from suggest' -l observe \
    -d 'Statements that only log'
complete -c portcred -n '__fish_seen_subcommand_from suggest' -l all -d 'Also sockets of clients'

complete -c portcred -n $no_action -a generate -d 'Make the key pair of this host'
complete -c portcred -n $no_action -a show -d 'Print the host statement for other policies'
complete -c portcred -n $no_action -a rotate -d 'Replace the key without a refused connection'
complete -c portcred -n "$action generate" -l out -r -F -d 'Where to put it'
complete -c portcred -n "$action show rotate" -l key -r -F -d 'Of this key'
complete -c portcred -n "$action show rotate" -l name -x -a '(__fish_print_hostnames)' \
    -d 'Under this name'
complete -c portcred -n "$action show rotate" -l at -x -d 'At these addresses'
complete -c portcred -n "$action rotate" -l switch -d 'Stamp with the new key'
complete -c portcred -n "$action rotate" -l finish -d 'Remove the old key'
