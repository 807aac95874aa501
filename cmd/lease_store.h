// The lease file of the virtual LANs on disk (its text is slirp/lan/lease_file.h): read at the start,
// written whole when leases have changed.
//
// Nothing here is fatal: without its file the router serves new leases, and stations that come back claim
// the addresses they have. What goes wrong is a sentence for the log.
//
// Thread: any, one at a time; these calls block, so never on a worker.
#pragma once

#include <string>
#include <vector>

#include "slirp/lan/lease_file.h"

namespace wgr {

class LeaseStore {
 public:
  static constexpr std::size_t kMaxFileSize = 32 * 1024 * 1024;

  // The file, which need not exist; its folder must, to save.
  explicit LeaseStore(std::string path) : path_(std::move(path)) {}

  // Each fault names the file. A file of a version that cannot be read is kept aside as PATH.foreign when
  // save() takes its place.
  slirp::lan::LeaseFile load();

  // What went wrong; empty: nothing. The former file stays then.
  std::string save(const std::vector<slirp::lan::NetworkLeases>& networks);

  const std::string& path() const noexcept { return path_; }

 private:
  std::string fault(const std::string& what) const { return path_ + ": " + what; }
  bool keep_foreign(int folder, const std::string& name);

  const std::string path_;
  bool has_foreign_ = false;
};

}  // namespace wgr
