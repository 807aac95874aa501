#include "cmd/config_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/text.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

constexpr std::size_t kMaxText = 16 * 1024 * 1024;  // room for 50,000 peers
constexpr std::size_t kMaxKeyText = 4096;

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

std::string errno_text() { return std::strerror(errno); }

// Reads to the end or to `limit`; empty on an error, with errno set.
std::optional<std::string> read_up_to(int fd, std::size_t limit) {
  std::string text;
  char chunk[16 * 1024];
  while (text.size() <= limit) {
    const ssize_t length = ::read(fd, chunk, sizeof chunk);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return std::nullopt;
    if (length == 0) break;
    text.append(chunk, static_cast<std::size_t>(length));
  }
  erase_memory(chunk, sizeof chunk);
  return text;
}

std::string octal(mode_t mode) {
  std::string text = "0000";
  for (std::size_t i = 0; i < 4; ++i) text[3 - i] = static_cast<char>('0' + (mode >> (3 * i) & 7));
  return text;
}

// The sentence that says what is wrong with the file; empty when a key may come from it.
std::string judge(const struct stat& status, KeyPermissions permissions) {
  if (!S_ISREG(status.st_mode)) return "is not a regular file";
  if (permissions == KeyPermissions::kAny) return {};
  if ((status.st_mode & 077) != 0) {
    return "has mode " + octal(status.st_mode & 07777) +
           ": others could read the key; expected 0600 (or --insecure-key-permissions)";
  }
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return "belongs to user " + std::to_string(status.st_uid) + "; expected this user or root";
  }
  return {};
}

struct GuardedText {
  std::optional<std::string> text;
  std::string fault;
};

// With limit 0 nothing is read, only judged.
GuardedText read_guarded(const std::string& path, KeyPermissions permissions,
                         std::size_t limit = kMaxKeyText) {
  const Descriptor file{path};
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return {{}, "cannot be opened: " + errno_text()};
  if (std::string fault = judge(status, permissions); !fault.empty()) return {{}, std::move(fault)};
  if (limit == 0) return {std::string{}, {}};
  std::optional<std::string> text = read_up_to(file.get(), limit);
  if (!text) return {{}, "cannot be read: " + errno_text()};
  return {std::move(text), {}};
}

}  // namespace

FileText read_text_file(const std::string& path) {
  const Descriptor file{path};
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return {{}, "cannot be opened: " + errno_text()};
  // A pipe, as a shell's <(command) makes one, is read like a file.
  if (!S_ISREG(status.st_mode)) ::fcntl(file.get(), F_SETFL, 0);
  std::optional<std::string> text = read_up_to(file.get(), kMaxText);
  if (!text) return {{}, "cannot be read: " + errno_text()};
  if (text->size() > kMaxText) return {{}, "is larger than 16 MiB"};
  return {
      std::move(text), {}, S_ISREG(status.st_mode) && (status.st_mode & 04) != 0, S_ISFIFO(status.st_mode)};
}

KeyFile read_key_file(const std::string& path, KeyPermissions permissions) {
  GuardedText guarded = read_guarded(path, permissions);
  if (!guarded.text) return {{}, std::move(guarded.fault)};
  KeyFile result{wireguard::parse_secret_key(trim(*guarded.text)), {}};
  erase_memory(guarded.text->data(), guarded.text->size());
  if (!result.key) result.fault = "holds no key; expected " + std::string{wireguard::kKeyForm};
  return result;
}

SecretText read_secret_file(const std::string& path, KeyPermissions permissions) {
  GuardedText guarded = read_guarded(path, permissions);
  if (!guarded.text) return {{}, std::move(guarded.fault)};
  const std::string secret{trim(*guarded.text)};
  erase_memory(guarded.text->data(), guarded.text->size());
  if (secret.empty()) return {{}, "is empty"};
  const bool is_visible =
      std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!is_visible) return {{}, "holds a space or a character beyond ASCII"};
  return {secret, {}};
}

std::string judge_key_file(const std::string& path, KeyPermissions permissions) {
  return read_guarded(path, permissions, /*limit=*/0).fault;
}

}  // namespace wgr
