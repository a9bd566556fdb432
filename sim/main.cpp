// orrery: what is typed becomes an exit status. Everything else is behind sim/cli.
#include "cli/command_line.hpp"

#include <csignal>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // a reader that has seen enough (`| head`) ends us without a word
  std::signal(SIGXFSZ,
              SIG_IGN);  // a limit on the size of files is an error of writing, told as one
  return orrery::guarded_command_line(std::vector<std::string>(argv + 1, argv + argc));
}
