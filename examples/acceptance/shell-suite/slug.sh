# Makes a name that is safe in a path: lower case, words joined by one dash, nothing else.
slug() {
  printf '%s' "$1" | LC_ALL=C tr 'A-Z' 'a-z' | LC_ALL=C tr -cs 'a-z0-9' '-' | sed 's/^-*//; s/-*$//'
}
