/* Loses a handle, so that the tests know that their tools would see it. */
#include <tactful.h>

int main(void) {
  tactful_request *request = NULL;
  tactful_status status = tactful_request_new(&request, NULL);
  request = NULL;
  return (int)status;
}
