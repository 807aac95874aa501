// Placeholder entry until the router is composed: says so and fails.
#include <cstdio>

int main() {
  std::fputs("wgrouter: not composed yet\n", stderr);
  return 1;
}
