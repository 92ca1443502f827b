# the firewall's table
for unit in patuh-firewall.service patuh-firewall-watch.timer; do
    case "$(systemctl is-enabled "$unit" 2>/dev/null)" in
        disabled | not-found | "")
            echo "systemctl --no-reload disable --quiet $unit 2>/dev/null; rm -f /etc/systemd/system/*.wants/$unit"
            ;;
    esac
    systemctl is-active --quiet "$unit" || echo "[ -n \"\$BOOTING\" ] || systemctl stop $unit 2>/dev/null"
done
echo '[ -z "$BOOTING" ] || exit 0'
# As the kernel has it, which need not be what the file says; and what does not exist is listed by nobody.
tables="$(nft list tables)" || exit 1
printf '%s\n' "nft -f - <<'END'" "table inet patuh" "delete table inet patuh"
case "$tables" in *"table inet patuh"*) nft list table inet patuh || exit 1 ;; esac
echo END
