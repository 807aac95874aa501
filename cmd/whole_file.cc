#include "cmd/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "core/secret.h"

namespace wgr {
namespace {

constexpr mode_t kFileMode = 0600;

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool put_in_place(int folder, const std::string& aside, const std::string& name, Existing existing) {
  if (existing == Existing::kReplace) return ::renameat(folder, aside.c_str(), folder, name.c_str()) == 0;
  if (::renameat2(folder, aside.c_str(), folder, name.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS) {  // a file system without the flag: a link never replaces
    if (::linkat(folder, aside.c_str(), folder, name.c_str(), 0) != 0 && errno != EEXIST) return false;
    errno = EEXIST;
  }
  if (errno != EEXIST) return false;
  ::unlinkat(folder, aside.c_str(), 0);
  return true;
}

}  // namespace

bool write_whole_file(int folder, const std::string& name, std::string_view text, Existing existing) {
  std::uint64_t unique = 0;
  random_bytes({reinterpret_cast<std::uint8_t*>(&unique), sizeof unique});
  const std::string aside = "." + name + "." + std::to_string(unique);
  const int file =
      ::openat(folder, aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode);
  if (file < 0) return false;
  const bool is_written = write_all(file, text) && ::fsync(file) == 0;
  int why = errno;
  ::close(file);
  errno = why;
  if (!is_written || !put_in_place(folder, aside, name, existing)) {
    why = errno;
    ::unlinkat(folder, aside.c_str(), 0);
    errno = why;
    return false;
  }
  ::fsync(folder);
  return true;
}

}  // namespace wgr
