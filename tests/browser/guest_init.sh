#!/bin/sh
# The first and only process of the guest. Each line of the serial console is `TAG COMMAND`; what the
# command says is printed between a start and an end mark, the end mark with the exit code. The marks
# begin with a control character, so that nothing a command says looks like one.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
dmesg -n 1
hostname guest
ip link set lo up
ip link set lo mtu 1500

# load ne2k|virtio: the driver of the network card; done late, so that a saved machine has none.
load() {
  modules="@NE2K_MODULES@"
  [ "$1" = virtio ] && modules="@VIRTIO_MODULES@"
  for module in $modules; do insmod "/modules/$module.ko" || return 1; done
  ip link set eth0 up
}

cat >/tmp/lease.sh <<'END'
#!/bin/sh
env >"/tmp/lease.$1"
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip -4 addr flush dev "$interface"
ip addr add "$ip/$mask" dev "$interface"
for gateway in $router; do ip route replace default via "$gateway" dev "$interface"; break; done
: >/etc/resolv.conf
[ -n "$domain" ] && echo "search $domain" >>/etc/resolv.conf
for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done
END
chmod +x /tmp/lease.sh

# lease [OPTION...]: asks for an address, fails if there is none after 10 attempts.
lease() {
  udhcpc -i eth0 -n -q -t 10 -T 1 -s /tmp/lease.sh "$@"
}

exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty -echo -opost -icrnl
printf '\n\001ready\n'
while read -r tag command; do
  printf '\n\001start %s\n' "$tag"
  eval "$command" </dev/null
  printf '\n\001end %s %s\n' "$tag" "$?"
done
