// Loads configurations from texts: files in a folder of their own, a made-up environment.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "cmd/config_source.h"
#include "tests/ws/certificates.h"

namespace wgr {

// Keys that only have to be keys; their public halves are given where a test needs them.
inline constexpr char kPrivateKey[] = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
inline constexpr char kOwnPublicKey[] = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
inline constexpr char kPeerA[] = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
inline constexpr char kPeerB[] = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";
inline constexpr char kPreshared[] = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";

// A file with a certificate and its key.
inline std::string chain_and_key() {
  ws::CertificateFolder certificates;
  const ws::TlsFiles files = certificates.make();
  std::string text;
  for (const std::string& file : {files.certificate, files.private_key}) {
    std::ifstream stream{file};
    text.append(std::istreambuf_iterator<char>{stream}, {});
  }
  return text;
}

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    std::string name = testing::TempDir() + "wgr_config_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    places_.resolv_conf = write("resolv.conf", "nameserver 192.0.2.53\n");
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream{path(name)} << text;
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }

  void yaml(const std::string& text) { places_.config_file = write("wgrouter.yaml", text); }
  void conf(const std::string& text) { places_.wg_config_file = write("wg0.conf", text); }
  void env(const std::string& name, const std::string& value) { places_.environment[name] = value; }
  void flag(const std::string& key, const std::string& value) {
    places_.overrides.push_back({key, value, "--set " + key});
  }

  static std::string peer(const char* key, const std::string& more = "") {
    return std::string("    - {public_key: ") + key + more + "}\n";
  }
  static std::string with_peers(const std::string& peers) {
    return std::string("wireguard:\n  private_key: ") + kPrivateKey + "\n  peers:\n" + peers;
  }

  Config load() const { return ConfigSource{places_}.check(); }

  // Every problem, with the folder's name cut out; empty when the configuration is good.
  std::vector<std::string> problems() const {
    try {
      load();
      return {};
    } catch (const ConfigError& error) {
      std::vector<std::string> lines = error.problems();
      for (std::string& line : lines) {
        for (std::size_t at; (at = line.find(folder_ + "/")) != std::string::npos;) {
          line.erase(at, folder_.size() + 1);
        }
      }
      return lines;
    }
  }

  std::vector<std::string> notices() const {
    std::vector<std::string> texts;
    for (const Notice& notice : load().notices) texts.push_back(notice.text);
    return texts;
  }

  std::string folder_;
  ConfigSource::Places places_;
};

}  // namespace wgr
