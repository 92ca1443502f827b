# audit rules
# A kernel without auditing, as in a container, has none.
auditctl -s >/dev/null 2>&1 || exit 0
echo '[ -z "$BOOTING" ] || exit 0'
echo 'auditctl -D >/dev/null'
auditctl -l | sed -n 's/^-/auditctl -/p'
auditctl -s | sed -n 's/^enabled \([0-9]\).*/auditctl -e \1 >\/dev\/null/p'
