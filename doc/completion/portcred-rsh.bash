# SPDX-License-Identifier: MIT
# Completion of portcred-rsh(1), portcred-rlogin(1) and portcred-rexec(1) for bash; needs nothing but
# bash itself.

_portcred_rsh()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} hosts=0 i
	local options="-l --user -4 --ipv4 -6 --ipv6 --connect-timeout -d --debug -K --help --version"
	local IFS=$' \t\n'

	COMPREPLY=()
	case ${1##*/} in
	portcred-rexec) options+=" -n --no-input --password-file --port" ;;
	portcred-rlogin) options+=" -e --escape -E --no-escape -8 -L -p --port --proof --rcmd-port" ;;
	*) options+=" -n --no-input -p --port --proof --rcmd-port" ;;
	esac
	case $before in
	-l | --user)
		COMPREPLY=($(compgen -u -- "$word"))
		return
		;;
	--proof)
		COMPREPLY=($(compgen -W "vouched reserved" -- "$word"))
		return
		;;
	--password-file | --rcmd-port)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$word"))
		return
		;;
	-p | --port | --connect-timeout | -e | --escape) return ;;
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-l | --user | -p | --port | --connect-timeout | -e | --escape | --proof | --rcmd-port | \
			--password-file) ((i++)) ;;
		-*) ;;
		*) ((++hosts)) ;;
		esac
	done
	if [[ $word == -* ]] && ((hosts < 2)); then
		COMPREPLY=($(compgen -W "$options" -- "$word"))
	elif ((hosts == 0)); then
		COMPREPLY=($(compgen -A hostname -- "$word"))
	elif [[ ${1##*/} != portcred-rlogin ]]; then
		COMPREPLY=($(compgen -c -- "$word"))
	fi
}

complete -F _portcred_rsh portcred-rsh portcred-rlogin portcred-rexec
