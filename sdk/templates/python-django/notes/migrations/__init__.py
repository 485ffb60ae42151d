"""How the tables came to be: `python manage.py makemigrations` writes the next one."""
