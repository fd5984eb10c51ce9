# SPDX-License-Identifier: MIT
# Completion of portcred-rcp(1) for bash; needs nothing but bash itself.

_portcred_rcp()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local IFS=$' \t\n'

	COMPREPLY=()
	case $before in
	--rsh)
		COMPREPLY=($(compgen -c -- "$word"))
		return
		;;
	--remote-rcp) return ;;
	esac
	if [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W "-p -r --any-name --remote-rcp --rsh --help --version" -- "$word"))
		return
	fi
	compopt -o filenames 2>/dev/null
	IFS=$'\n'
	COMPREPLY=($(compgen -f -- "$word"))
	if [[ $word != */* ]]; then
		compopt -o nospace 2>/dev/null
		COMPREPLY+=($(compgen -A hostname -S : -- "$word"))
	fi
}

complete -F _portcred_rcp portcred-rcp
