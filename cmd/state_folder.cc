#include "cmd/state_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cmd/client_conf.h"
#include "cmd/config_files.h"
#include "cmd/whole_file.h"
#include "wireguard/crypto.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

constexpr mode_t kFolderMode = 0700;

[[noreturn]] void fail(const std::string& path, const std::string& sentence) {
  throw ConfigError{{path + ": " + sentence}};
}
[[noreturn]] void fail_errno(const std::string& path, const std::string& what) {
  fail(path, what + ": " + std::strerror(errno));
}

std::string value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string{} : found->second;
}

// An open folder, so that every step works on the same one whatever is renamed meanwhile.
class Folder {
 public:
  explicit Folder(const std::string& path) : path_(path) {
    std::error_code parents;
    const std::filesystem::path parent = std::filesystem::path{path}.parent_path();
    if (!parent.empty()) std::filesystem::create_directories(parent, parents);
    if (::mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) fail_errno(path, "cannot be made");
    fd_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd_ < 0) fail_errno(path, "cannot be opened");
  }
  ~Folder() { ::close(fd_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  int get() const { return fd_; }
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }
  // Made by somebody else, perhaps with a wider mode: systemd and container volumes do. Returns why that
  // stays so, where the folder is not ours to change; empty: it is closed to others.
  std::string close_to_others() const {
    struct stat status{};
    if (::fstat(fd_, &status) == 0 && (status.st_mode & 07777) == kFolderMode) return {};
    if (::fchmod(fd_, kFolderMode) == 0) return {};
    if (errno != EPERM && errno != EROFS) fail_errno(path_, "cannot be closed to others (mode 0700)");
    return std::strerror(errno);
  }
  bool has(const std::string& name) const { return ::faccessat(fd_, name.c_str(), F_OK, 0) == 0; }

  void write(const std::string& name, std::string_view text, Existing existing) const {
    if (!write_whole_file(fd_, name, text, existing)) fail_errno(path_of(name), "cannot be written");
  }

 private:
  const std::string path_;
  int fd_ = -1;
};

// The keys are what counts: a full disk or a read-only folder is no reason not to serve.
void keep_client_conf(const Folder& folder, const std::string& text, KeyPermissions permissions,
                      std::vector<Notice>& notices) {
  const std::string name = "client.conf";
  const std::string path = folder.path_of(name);
  FileText former = read_text_file(path);
  const bool is_same = former.text == text && judge_key_file(path, permissions).empty();
  if (former.text) erase_memory(former.text->data(), former.text->size());
  if (is_same || write_whole_file(folder.get(), name, text, Existing::kReplace)) return;
  const std::string why = std::strerror(errno);
  notices.push_back(
      {log::Level::kWarn, path + ": cannot be written: " + why + "; it is not what the client needs now"});
}

// The key in the file; makes one if there is no file. Throws when the file is there but holds no key.
template <typename MakeKey>
SecretBytes<32> keep_key(const Folder& folder, const std::string& name, KeyPermissions permissions,
                         MakeKey make_key) {
  if (!folder.has(name)) {
    std::string text = wireguard::secret_to_base64(make_key()) + "\n";
    folder.write(name, text, Existing::kKeep);
    erase_memory(text.data(), text.size());
  }
  const KeyFile file = read_key_file(folder.path_of(name), permissions);
  if (!file.key) fail(folder.path_of(name), file.fault);
  return *file.key;
}

}  // namespace

bool needs_state_folder(const Config& config) {
  return !config.wireguard.has_private_key && config.wireguard.peers.empty();
}

std::string choose_state_folder(const Environment& environment, const Config& config) {
  if (!config.state_folder.empty()) return config.state_folder;
  const std::string systemd = value_of(environment, "STATE_DIRECTORY");
  if (!systemd.empty()) return systemd.substr(0, systemd.find(':'));
  if (::geteuid() == 0 && ::access("/var/lib", W_OK) == 0) return "/var/lib/wgrouter";
  const std::string xdg = value_of(environment, "XDG_STATE_HOME");
  if (xdg.starts_with('/')) return xdg + "/wgrouter";
  const std::string home = value_of(environment, "HOME");
  if (home.starts_with('/') && home != "/") return home + "/.local/state/wgrouter";
  throw ConfigError{
      {"no key and no peer is configured, and there is no folder to keep new ones in; expected "
       "--state-folder FOLDER, or a configuration (see wgrouter help)"}};
}

void use_state_folder(const Environment& environment, Config& config) {
  FirstStart first{.folder = choose_state_folder(environment, config), .is_new = false, .client_conf = {}};
  const Folder folder{first.folder};
  if (const std::string why = folder.close_to_others(); !why.empty()) {
    config.notices.push_back(
        {log::Level::kWarn, first.folder +
                                ": others may read or change what is in it, and its mode cannot be "
                                "changed to 0700: " +
                                why});
  }
  first.is_new = !folder.has("server.key");
  const KeyPermissions permissions =
      config.wireguard.insecure_key_permissions ? KeyPermissions::kAny : KeyPermissions::kOwnerOnly;
  const auto make_key = [] { return wireguard::generate_private_key(); };
  config.wireguard.device.private_key = keep_key(folder, "server.key", permissions, make_key);
  config.wireguard.has_private_key = true;
  const wireguard::PrivateKey client = keep_key(folder, "client.key", permissions, make_key);

  PeerEntry entry;
  entry.origin = first.folder;
  entry.peer.name = "first-client";
  entry.peer.public_key = wireguard::public_key_of(client);
  entry.peer.preshared_key =
      keep_key(folder, "client.psk", permissions, [] { return SecretBytes<32>::random(); });
  entry.peer.allowed_ips = client_addresses(config);
  first.client_conf = print_client_conf(config, client, entry.peer);
  keep_client_conf(folder, first.client_conf, permissions, config.notices);
  config.wireguard.peers.push_back(std::move(entry));
  config.first_start = std::move(first);
}

}  // namespace wgr
