"""What this project is called, and where its visitors find it."""

NAME = "{{ cookiecutter.project_slug }}"
PACKAGE = "{{ cookiecutter.package_name }}"
DOMAIN = "{{ cookiecutter.domain }}"
