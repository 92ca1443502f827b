#!/bin/sh
# What Debian's installer would have asked and written: users, network, locale, and the server's service.
# Called by mmdebstrap with the new root directory; the machine's values come in the environment.
set -eu
root="$1"

echo "$LAB_HOSTNAME" >"$root/etc/hostname"
cat >"$root/etc/hosts" <<EOF
127.0.0.1 localhost
127.0.1.1 $LAB_HOSTNAME.lab.example $LAB_HOSTNAME
::1 localhost ip6-localhost ip6-loopback
EOF
echo "nameserver $LAB_NAMESERVER" >"$root/etc/resolv.conf"
cat >"$root/etc/network/interfaces" <<EOF
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    address $LAB_IPV4
    gateway $LAB_GATEWAY4
iface eth0 inet6 static
    address $LAB_IPV6
    gateway $LAB_GATEWAY6
    dad-attempts 0
EOF
if [ "${LAB_KIND:-machine}" = container ]; then
    # A container is given its network from outside, and its root file system, too.
    printf 'auto lo\niface lo inet loopback\n' >"$root/etc/network/interfaces"
else
    echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
fi
mkdir -p "$root/etc/systemd/timesyncd.conf.d"
printf '[Time]\nNTP=%s\n' "$LAB_NTP_SERVER" >"$root/etc/systemd/timesyncd.conf.d/installer.conf"
echo 'en_US.UTF-8 UTF-8' >"$root/etc/locale.gen"
chroot "$root" locale-gen >/dev/null
echo 'LANG=en_US.UTF-8' >"$root/etc/default/locale"

# The installer's first user, whom the administrators let the controller use.
chroot "$root" useradd --create-home --shell /bin/bash --groups sudo patuh
mkdir -m 700 "$root/home/patuh/.ssh"
cp "$LAB_PUBLIC_KEY" "$root/home/patuh/.ssh/authorized_keys"
chroot "$root" chown -R patuh:patuh /home/patuh/.ssh
echo 'patuh ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/patuh"
chmod 440 "$root/etc/sudoers.d/patuh"
# A superuser's password nobody knows, as set during installation.
hash="$(openssl passwd -6 "$(openssl rand -base64 24)")"
echo "root:$hash" | chroot "$root" chpasswd --encrypted

if [ -d "$root/etc/nginx" ]; then
    echo '<!doctype html><title>Layanan contoh</title><h1>Layanan contoh</h1>' >"$root/var/www/html/index.html"
fi
if [ -d "$root/etc/mysql/mariadb.conf.d" ]; then
    printf '[mariadbd]\nbind-address = *\n' >"$root/etc/mysql/mariadb.conf.d/90-installer.cnf"
    chroot "$root" mariadbd --bootstrap --user=mysql --skip-networking <"$LAB_IMAGE_DIR/sample.sql"
fi
if [ -d "$root/etc/bind" ]; then
    cp "$LAB_IMAGE_DIR/db.lab.example" "$root/etc/bind/"
    echo 'zone "lab.example" { type primary; file "/etc/bind/db.lab.example"; };' >"$root/etc/bind/named.conf.local"
fi
if [ -d "$root/etc/mdadm" ]; then
    cp "$LAB_IMAGE_DIR/first-boot-raid.service" "$root/etc/systemd/system/"
    chroot "$root" systemctl enable first-boot-raid.service
fi
