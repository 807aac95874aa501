#include "core/io/hangup.h"

#include <pthread.h>

#include <csignal>

namespace wgr::io {
namespace {

void change_mask(int how) noexcept {
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(how, &hangup, nullptr);
}

}  // namespace

void hold_hangups() noexcept { change_mask(SIG_BLOCK); }

void release_hangups() noexcept { change_mask(SIG_UNBLOCK); }

}  // namespace wgr::io
