#include "cmd/lease_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cmd/whole_file.h"

namespace wgr {
namespace {

std::string reason() { return std::strerror(errno); }

// nullopt, with errno set, when the file cannot be read.
std::optional<std::string> read_all(int file, std::size_t limit) {
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t size = ::read(file, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.size() > limit) {
      errno = EFBIG;
      return std::nullopt;
    }
  }
}

}  // namespace

slirp::lan::LeaseFile LeaseStore::load() {
  // Not blocking: what stands at the path may be a pipe.
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0 && errno == ENOENT) return {};
  if (file < 0)
    return {.networks = {}, .faults = {fault("cannot be opened: " + reason())}, .is_foreign = false};
  struct stat status{};
  const bool is_regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const std::optional<std::string> text =
      is_regular ? read_all(file, kMaxFileSize) : std::optional<std::string>{};
  const std::string why = is_regular ? "cannot be read: " + reason() : "is no file";
  ::close(file);
  if (!text) return {.networks = {}, .faults = {fault(why)}, .is_foreign = false};

  slirp::lan::LeaseFile leases = slirp::lan::parse_lease_file(*text);
  has_foreign_ = leases.is_foreign;
  for (std::string& what : leases.faults) what = fault(what);
  return leases;
}

std::string LeaseStore::save(const std::vector<slirp::lan::NetworkLeases>& networks) {
  const std::filesystem::path path{path_};
  const std::string name = path.filename().string();
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  if (name.empty()) return fault("is no file");
  const int folder = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return fault("its folder cannot be opened: " + reason());
  const bool is_saved =
      keep_foreign(folder, name) &&
      write_whole_file(folder, name, slirp::lan::print_lease_file(networks), Existing::kReplace);
  const std::string what = is_saved ? std::string{} : fault("cannot be written: " + reason());
  ::close(folder);
  return what;
}

bool LeaseStore::keep_foreign(int folder, const std::string& name) {
  if (!has_foreign_) return true;
  const std::string aside = name + ".foreign";
  if (::renameat(folder, name.c_str(), folder, aside.c_str()) != 0 && errno != ENOENT) return false;
  has_foreign_ = false;
  return true;
}

}  // namespace wgr
