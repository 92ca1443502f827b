# mount options
echo '[ -z "$BOOTING" ] || exit 0'
for folder in /tmp /dev/shm; do
    mountpoint -q "$folder" || continue
    options="$(findmnt -nro OPTIONS "$folder")" || exit 1
    set_back=remount
    for option in suid dev exec; do
        case ",$options," in
            *,no$option,*) set_back="$set_back,no$option" ;;
            *) set_back="$set_back,$option" ;;
        esac
    done
    echo "mount -o $set_back $folder"
done
