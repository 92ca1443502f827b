# Would the SSH server still be found where it is now? Files of others may have waited for the next reload.
would="$(sshd -T | sed -n 's/^listenaddress \([^ ]*\).*/\1/p')"
main="$(systemctl show --property=MainPID --value ssh.service)"
for port in $(ss -Hltnp | grep "pid=$main," | sed 's/ \+/ /g' | cut -d ' ' -f 4 | sed 's/.*://' | sort -u); do
    if ! echo "$would" | grep -q ":$port\$"; then
        echo "sshd listens on port $port now and would on $(echo $would): look for Port and ListenAddress in /etc/ssh"
        exit 1
    fi
done
for socket in $would; do
    address="$(echo "${socket%:*}" | tr -d '[]')"
    case "$address" in
    0.0.0.0 | ::) exit 0 ;;
    *) [ -z "$(ip -o address show to "$address")" ] || exit 0 ;;
    esac
done
echo "sshd would start at no address: the server has none of $(echo $would); look for ListenAddress in /etc/ssh"
exit 1
