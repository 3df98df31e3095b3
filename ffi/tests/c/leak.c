/* Loses handles, so that the tests know that their tools would see it; many, because one may linger in a register. */
#include <tactful.h>

int main(void) {
  tactful_request *request = NULL;
  tactful_status status = TACTFUL_OK;
  for (int i = 0; i < 100; i++) status |= tactful_request_new(&request, NULL);
  request = NULL;
  return (int)status;
}
