# SPDX-License-Identifier: MIT
# Completion of portcred(1) for bash; needs nothing but bash itself.

_portcred_port()
{
	local word=$1

	if [[ $word == */* ]]; then
		COMPREPLY=($(compgen -W "${word%%/*}/tcp ${word%%/*}/udp" -- "$word"))
	else
		COMPREPLY=($(compgen -A service -- "$word"))
	fi
}

# The last of a list; those that servers need, of the many that there are.
_portcred_capabilities()
{
	local before=

	[[ $1 == *,* ]] && before=${1%,*},
	COMPREPLY=($(compgen -P "$before" -W "all cap_net_bind_service cap_setuid cap_setgid cap_kill" \
		-- "${1##*,}"))
}

# _portcred_value OPTION WORD: the argument of an option; status 1 where it takes none
_portcred_value()
{
	case $1 in
	--user | --owner) COMPREPLY=($(compgen -u -- "$2")) ;;
	--group) COMPREPLY=($(compgen -g -- "$2")) ;;
	--exe | --policy | --out | --key)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$2"))
		;;
	--runtime-dir)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -d -- "$2"))
		;;
	--unit | --try | --for | --fd | --at | --from | --to | --backlog | --fdname | --accept-fd | --limit)
		COMPREPLY=()
		;;
	--listen) _portcred_port "$2" ;;
	--keep-caps) _portcred_capabilities "$2" ;;
	--env) COMPREPLY=($(compgen -v -- "$2")) ;;
	--name) COMPREPLY=($(compgen -A hostname -- "$2")) ;;
	--address) COMPREPLY=($(compgen -W "0.0.0.0 127.0.0.1 :: ::1" -- "$2")) ;;
	*) return 1 ;;
	esac
}

_portcred()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local verbs="check explain ls who peer watch status reload confirm run suggest key"
	local verb= action= options i
	local IFS=$' \t\n'

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--runtime-dir) ((i++)) ;;
		-*) ;;
		*)
			verb=${COMP_WORDS[i]}
			((i + 1 < COMP_CWORD)) && action=${COMP_WORDS[i + 1]}
			break
			;;
		esac
	done
	_portcred_value "$before" "$word" && return
	case $verb in
	"") options="--runtime-dir --version --help" ;;
	check) options="--policy --json --help" ;;
	explain)
		options="--user --group --exe --unit --address --v6only --from --owner --to --approved"
		options+=" --policy --json --help"
		;;
	ls) options="--governed --peers --nfs --json --help" ;;
	peer) options="--fd --json --help" ;;
	watch) options="--nfs --json --help" ;;
	who | status) options="--json --help" ;;
	reload) options="--try --force --json --help" ;;
	confirm) options="--help" ;;
	run)
		options="--listen --backlog --user --unit --keep-caps --ambient --fdname --accept-fd"
		options+=" --inetd --limit --env --keep-env --help"
		;;
	suggest) options="--from-events --for --now --observe --all --json --help" ;;
	key)
		case $action in
		generate) options="--out --json --help" ;;
		show) options="--key --name --at --json --help" ;;
		rotate) options="--switch --finish --key --name --at --json --help" ;;
		*) options="--help" ;;
		esac
		;;
	*) return ;;
	esac
	if [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W "$options" -- "$word"))
		return
	fi
	case $verb in
	"") COMPREPLY=($(compgen -W "$verbs" -- "$word")) ;;
	check | suggest)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$word"))
		;;
	explain | who) _portcred_port "$word" ;;
	peer | run) COMPREPLY=($(compgen -c -- "$word")) ;;
	key) [[ $action ]] || COMPREPLY=($(compgen -W "generate show rotate" -- "$word")) ;;
	esac
}

complete -F _portcred portcred
