# Ends the children of a process once it is gone, however it ended: its exit closes our standard input.
# Lines are `+ <id>` for started and `- <id>` for ended; a negative id is a process group.
trap '' INT TERM HUP
ids=
while read -r change id; do
  if [ "$change" = + ]; then
    ids="$ids $id"
  else
    others=
    for one in $ids; do [ "$one" = "$id" ] || others="$others $one"; done
    ids=$others
  fi
done
for id in $ids; do kill -s KILL -- "$id" 2>/dev/null; done
