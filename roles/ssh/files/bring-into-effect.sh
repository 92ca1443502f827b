# Let the SSH server read its files, whatever state it is in, and never leave the host without one.
systemctl is-enabled --quiet ssh.service ssh.socket 2>/dev/null ||
    # Not "enable": with it comes the alias sshd.service, and systemd 257 forgets at its next reload that ssh.service
    # runs when the alias was missing before. A start then fails, for the port is taken, and takes /run/sshd away.
    systemctl --no-reload --quiet add-wants multi-user.target ssh.service
if systemctl is-active --quiet ssh.socket; then
    exit 0 # each connection starts a server that reads the files
fi
if systemctl is-active --quiet ssh.service; then
    exec systemctl reload ssh.service
fi
# A listener that systemd does not know of, or no longer, would keep the port; its sessions go on without it.
port="$(sshd -T | sed -n 's/^port //p' | head -n 1)"
for listener in $(ss -Hltnp "sport = :$port" | grep -o '"sshd",pid=[0-9]*' | cut -d = -f 2 | sort -u); do
    kill "$listener"
    while [ -e "/proc/$listener" ]; do sleep 0.1; done
done
systemctl reset-failed ssh.service
systemctl start ssh.service && exit 0
install -d -m 0755 /run/sshd && /usr/sbin/sshd
exit 1
