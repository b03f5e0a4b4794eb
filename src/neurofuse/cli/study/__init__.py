"""Many recordings at once: `neurofuse app`, from a plan over isolated tasks to a group page."""
