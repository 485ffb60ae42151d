"""The form by which visitors add a book."""

from django import forms

from books.models import Book


class BookForm(forms.ModelForm):
    class Meta:
        model = Book
        fields = ["title", "author"]

    def clean_title(self):
        title = self.cleaned_data["title"].strip()
        if Book.objects.filter(title__iexact=title).exists():
            raise forms.ValidationError("This book is on the shelf already.")
        return title
